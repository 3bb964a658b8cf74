"""Messages from the status of a job to whoever delivers them, and back, in virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from batchprocess.kube import paths
from batchprocess_operator.controller.work_queue import WorkQueue
from batchprocess_operator.notify.destinations import Destination
from batchprocess_operator.notify.lane import Lane
from batchprocess_operator.notify.notifier import Notifier
from batchprocess_operator.notify.outcome import Outcome
from support.operator.fake_api import FakeServer, Object
from support.operator.fake_sender import FakeSender
from support.operator.lives import Operator
from support.operator.objects import job_object
from support.operator.virtual_time import run_virtually

LARGE = {"a": "x" * 200_000}
"""Hparams with which a job fails at once."""


class World:
    """Jobs, an operator and a destination `team`."""

    def __init__(self, sender: FakeSender | None = None) -> None:
        self.server, self.sender = FakeServer(), sender or FakeSender(lambda *_: Outcome())
        self.lanes: list[Lane] = []
        self._tasks: list[asyncio.Task[None]] = []

    def notifier(self, changed: Callable[[str], None]) -> Notifier:
        clock = asyncio.get_running_loop().time
        destination = Destination.model_validate(
            {"name": "team", "type": "webhook", "url": "https://hooks.example"}
        )
        lane = Lane(destination, "", WorkQueue(clock), self.sender, changed, lambda *_: None, clock)
        self.lanes.append(lane)
        return Notifier({"team": lane})

    def apply(self, name: str = "digits", to: str = "team", **spec: Any) -> str:
        body = job_object(None, notify={"to": to}, **spec)
        body["metadata"]["name"] = name
        made = self.server.create(paths.job_objects("team"), body)
        return str(made["metadata"]["uid"])

    def start(self) -> "asyncio.Task[None]":
        task = asyncio.create_task(Operator(self.server, "me", notifier=self.notifier).run())
        self._tasks.append(task)
        return task

    def status(self, name: str = "digits") -> Object:
        found: Object = self.server.get(paths.job_object("team", name)).get("status") or {}
        return found

    def told(self, name: str = "digits") -> dict[str, str]:
        conditions = self.status(name).get("conditions", ())
        return {one["type"]: f"{one['reason']}: {one['message']}" for one in conditions}

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def in_world(test: Callable[[World], Any]) -> Callable[[], None]:
    async def whole() -> None:
        world = World()
        try:
            await test(world)
        finally:
            await world.stop()

    def run() -> None:
        run_virtually(whole())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@in_world
async def test_an_end_is_told_once_and_then_the_status_says_so(world: World) -> None:
    uid = world.apply(hparams=LARGE)
    world.start()
    await asyncio.sleep(60)
    assert world.sender.ids() == [f"{uid}-0-failed"]
    assert world.status()["notifications"] == {"pending": [], "delivered": 1, "lost": 0}
    assert world.lanes[0].jobs == {}


@in_world
async def test_what_was_sent_and_not_noted_is_sent_again_under_the_same_id(world: World) -> None:
    world.sender.seconds = 30
    uid = world.apply(hparams=LARGE)
    first = world.start()
    await asyncio.sleep(5)
    assert world.sender.ids() == [f"{uid}-0-failed"]
    first.cancel()
    world.start()
    await asyncio.sleep(60)
    assert world.sender.ids() == [f"{uid}-0-failed"] * 2
    assert world.status()["notifications"]["delivered"] == 1


@in_world
async def test_a_job_that_nobody_can_read_tells_that_it_is_stalled(world: World) -> None:
    uid = world.apply(shards=0)
    world.start()
    await asyncio.sleep(60)
    assert world.told()["Stalled"].startswith("InvalidSpec: spec.shards")
    (sent,) = world.sender.ids()
    assert sent.startswith(f"{uid}-0-stalled-")
    assert world.status()["notifications"]["pending"] == []


@in_world
async def test_what_such_a_job_tells_is_given_up_as_that_of_others(world: World) -> None:
    world.sender.answer = lambda *_: Outcome("it answered 404")
    world.apply(shards=0)
    world.start()
    await asyncio.sleep(360)
    assert world.told()["NotificationsFailed"].startswith("DeliveryFailed: 1 message")
    await asyncio.sleep(24 * 3_600)
    assert world.told()["NotificationsFailed"].startswith("MessagesLost: 1 message was given up")
    assert world.lanes[0].jobs == {}


@in_world
async def test_a_destination_that_is_not_there_is_told_and_the_job_begins(world: World) -> None:
    world.apply(to="tema")
    world.start()
    await asyncio.sleep(30)
    assert world.told()["NotificationsFailed"] == (
        'UnknownDestination: spec.notify.to: "tema" is no destination for namespace team; '
        "there are: team"
    )
    reasons = [one["reason"] for one in world.server.list("/api/v1/events")]
    assert sorted(reasons) == ["JobCreated", "UnknownDestination"]


@in_world
async def test_a_name_that_is_put_right_gets_what_has_waited(world: World) -> None:
    uid = world.apply(to="tema", hparams=LARGE)
    world.start()
    await asyncio.sleep(3_600)
    assert world.sender.ids() == []
    world.server.change(paths.job_object("team", "digits"), {"spec": {"notify": {"to": "team"}}})
    await asyncio.sleep(60)
    assert world.sender.ids() == [f"{uid}-0-failed"]
    assert "NotificationsFailed" not in world.told()


@in_world
async def test_a_message_that_is_never_taken_is_told_of_and_given_up(world: World) -> None:
    world.sender.answer = lambda *_: Outcome("it answered 404")
    world.apply(hparams=LARGE)
    world.start()
    await asyncio.sleep(240)
    assert "NotificationsFailed" not in world.told()
    await asyncio.sleep(120)
    assert (
        "DeliveryFailed: 1 message is not delivered yet to team: it answered 404"
        in (world.told()["NotificationsFailed"])
    )
    await asyncio.sleep(24 * 3_600)
    assert world.told()["NotificationsFailed"].startswith("MessagesLost: 1 message was given up")
    assert world.lanes[0].jobs == {}
    tries = len(world.sender.sent)
    assert 100 < tries < 300
    await asyncio.sleep(3_600)
    assert len(world.sender.sent) == tries


@in_world
async def test_a_job_that_is_deleted_tells_nothing_more(world: World) -> None:
    world.sender.answer = lambda *_: Outcome("no answer")
    world.apply(hparams=LARGE)
    world.start()
    await asyncio.sleep(60)
    assert len(world.lanes[0].jobs) == 1
    world.server.delete(paths.job_object("team", "digits"))
    await asyncio.sleep(60)
    assert world.lanes[0].jobs == {}
    tries = len(world.sender.sent)
    await asyncio.sleep(3_600)
    assert len(world.sender.sent) == tries


@in_world
async def test_a_retry_that_fails_is_another_message(world: World) -> None:
    uid = world.apply(hparams=LARGE)
    world.start()
    await asyncio.sleep(60)
    world.server.change(paths.job_object("team", "digits"), {"spec": {"retry": 1}})
    await asyncio.sleep(60)
    assert world.sender.ids() == [f"{uid}-0-failed", f"{uid}-1-failed"]


@in_world
async def test_two_operators_send_under_one_id(world: World) -> None:
    uid = world.apply(hparams=LARGE)
    world.start()
    world.start()
    await asyncio.sleep(60)
    assert set(world.sender.ids()) == {f"{uid}-0-failed"}
    assert world.status()["notifications"]["delivered"] == 1


@pytest.mark.slow
@in_world
async def test_a_thousand_jobs_and_a_dead_destination_are_in_nobodys_way(world: World) -> None:
    world.sender.answer = lambda *_: Outcome("no answer in 10 s")
    world.sender.seconds = 10
    for number in range(1_000):
        world.apply(f"job-{number}", hparams=LARGE)
    world.start()
    await asyncio.sleep(120)
    assert {world.status(f"job-{number}")["state"] for number in range(1_000)} == {"Failed"}
    assert len(world.sender.sent) < 30
    world.apply("late")
    await asyncio.sleep(2)
    assert world.status("late")["state"] == "Pending"
