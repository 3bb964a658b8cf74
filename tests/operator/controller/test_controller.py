"""The loop around reconcile, with a fake API server and in virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from batchprocess.kube import paths
from batchprocess.kube.names import LABEL_JOB
from batchprocess_operator.controller import job_pass as module
from batchprocess_operator.kube.errors import ApiError, Denied, OversizedAnswer, Unavailable
from batchprocess_operator.model.report_address import ReportAddress
from batchprocess_operator.reconcile import reconcile as reconcile_module
from support.operator.fake_api import FakeApi, FakeServer, Object, Request
from support.operator.lives import Operator
from support.operator.objects import job_object
from support.operator.served_schemas import served_schema
from support.operator.virtual_time import run_virtually

JOBS = "/apis/batch/v1/namespaces/team/jobs"
CHILD = "digits-00000001"


class World:
    """One job, and operators that are started at will; nothing runs the Jobs they make."""

    def __init__(self) -> None:
        self.server, self._tasks = FakeServer(), []

    def apply(self, name: str = "digits", **spec: Any) -> Object:
        body = job_object(None, **spec)
        body["metadata"]["name"] = name
        return self.server.create(paths.job_objects("team"), body)

    def start(self, who: str = "operator") -> "asyncio.Task[None]":
        task = asyncio.create_task(Operator(self.server, who).run())
        self._tasks.append(task)
        return task

    def status(self, name: str = "digits") -> Object:
        found: Object = self.server.get(paths.job_object("team", name)).get("status") or {}
        return found

    def conditions(self, name: str = "digits") -> dict[str, tuple[str, str]]:
        told = self.status(name).get("conditions", ())
        return {one["type"]: (one["status"], one["reason"]) for one in told}

    def writes(self, kind: str) -> list[str]:
        return [one.method for one in self.server.requests if one.writes and kind in one.path]

    def events(self) -> list[str]:
        return [one["reason"] for one in self.server.list("/api/v1/events")]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def in_world(test: Callable[[World], Any]) -> Callable[[], None]:
    """Run a test's coroutine with a world of its own."""

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


def taken(server: FakeServer, name: str = CHILD) -> None:
    """Somebody else's Job by our child's name."""
    server.create(JOBS, {"metadata": {"name": name}, "spec": {}})


@in_world
async def test_a_ca_that_changed_meanwhile_is_given_to_the_next_job(world: World) -> None:
    operator = Operator(
        world.server, "operator", report_address=ReportAddress("https://a:1", "first")
    )
    task = asyncio.create_task(operator.run())
    world.apply()
    await asyncio.sleep(2)
    operator.report_address = ReportAddress("https://a:1", "second")
    world.apply("later")
    await asyncio.sleep(2)
    task.cancel()
    told = {one["metadata"]["labels"][LABEL_JOB]: str(one) for one in world.server.list(JOBS)}
    assert "first" in told["digits"]
    assert "second" in told["later"]


@in_world
async def test_a_new_job_costs_one_child_and_one_status(world: World):
    world.apply()
    world.start()
    await asyncio.sleep(120)
    assert world.writes("/jobs") == ["POST"]
    assert world.writes("/status") == ["PUT"]
    assert world.status()["state"] == "Pending"
    assert "Reconciling" not in world.conditions()


@in_world
async def test_another_ones_job_of_our_name_is_told_and_waited_for(world: World):
    world.apply()
    taken(world.server)
    world.start()
    await asyncio.sleep(200)
    assert world.status()["state"] == "Pending"
    assert world.conditions()["NameConflict"] == ("True", "NameConflict")
    assert world.events() == ["NameConflict"]
    assert len(world.writes("/jobs")) < 10
    world.server.delete(f"{JOBS}/{CHILD}")
    await asyncio.sleep(60)
    assert "NameConflict" not in world.conditions()
    assert [one["metadata"]["name"] for one in world.server.list("/apis/batch/v1/jobs")] == [CHILD]


@in_world
async def test_a_quota_that_is_raised_is_found_by_itself(world: World):
    world.apply()
    world.server.faults = dict.fromkeys(range(4, 6), "denied")
    world.start()
    await asyncio.sleep(10)
    assert world.conditions()["PodsStarting"] == ("False", "NotAllowed")
    await asyncio.sleep(120)
    assert world.writes("/jobs").count("POST") == 2
    assert "PodsStarting" not in world.conditions()


@pytest.mark.hostile
@in_world
async def test_a_child_whose_label_somebody_took_away_is_told_and_not_asked_for_in_a_loop(world):
    world.apply()
    world.start()
    await asyncio.sleep(10)
    path = f"{JOBS}/{CHILD}"
    changed = world.server.objects[path] | {}
    changed["metadata"]["labels"].pop("batchprocess.dev/job-uid")
    await world.stop()
    world.start("another")
    before = len(world.server.requests)
    await asyncio.sleep(100)
    assert world.conditions()["NameConflict"][0] == "True"
    assert len(world.server.requests) - before < 30
    assert "Stalled" not in world.conditions(), "nobody deletes it again and again"
    world.server.delete(path)
    await asyncio.sleep(60)
    assert "NameConflict" not in world.conditions()


@pytest.mark.hostile
@in_world
async def test_a_child_that_somebody_made_unreadable_is_told_with_what_to_do(world: World):
    world.apply()
    world.start()
    await asyncio.sleep(10)
    path = f"{JOBS}/{CHILD}"
    world.server.objects[path]["metadata"]["annotations"] = {"batchprocess.dev/shards": "0-1e9"}
    await world.stop()
    world.start("another")
    await asyncio.sleep(30)
    told = {one["type"]: one for one in world.status()["conditions"]}["NameConflict"]
    assert told["message"].endswith(": delete it")
    assert "made unreadable" in told["message"]
    world.server.delete(path)
    await asyncio.sleep(60)
    assert "NameConflict" not in world.conditions()


@in_world
async def test_a_decision_is_never_written_over_a_replicas_newer_status(world: World):
    """Ours was made on an older version, so it must be made again, whatever we know by then."""
    world.apply()
    where = paths.job_object("team", "digits")
    slow = FakeApi(world.server, "operator")

    class Slow(FakeApi):
        async def create(self, path: str, body: Any) -> Object:
            answer = await slow.create(path, body)
            if path.endswith("/jobs"):
                # Meanwhile a replica ends the job, and our watch tells us so.
                world.server.change(f"{where}/status", {"status": {"state": "Complete"}})
                await asyncio.sleep(5)
            return answer

    operator = Operator(world.server, "operator", api=Slow(world.server))
    task = asyncio.create_task(operator.run())
    await asyncio.sleep(60)
    task.cancel()
    assert world.status()["state"] == "Complete"


@pytest.mark.hostile
@in_world
async def test_a_job_that_brings_out_a_fault_of_ours_does_not_stop_the_others(world: World):
    world.apply("broken")
    world.apply("digits")
    original = module.reconcile

    def faulty(job: Any, *rest: Any) -> Any:
        if job.identity.name == "broken":
            raise ZeroDivisionError("a bug")
        return original(job, *rest)

    module.reconcile = faulty
    try:
        task = world.start()
        await asyncio.sleep(300)
    finally:
        module.reconcile = original
    assert not task.done()
    assert world.status("digits")["state"] == "Pending"
    (told,) = world.status("broken")["conditions"]
    assert (told["type"], told["status"], told["reason"]) == ("Stalled", "True", "OperatorFault")
    assert "ZeroDivisionError: a bug" in told["message"]
    assert world.writes("/broken/status") == ["PUT"]
    assert world.status("broken")["display"]["reason"] == "OperatorFault"
    assert world.events().count("OperatorFault") == 1
    await asyncio.sleep(90)
    assert "Stalled" not in world.conditions("broken")


@pytest.mark.hostile
@in_world
async def test_an_api_server_that_fails_is_asked_ever_more_seldom(world: World):
    world.apply()
    world.server.faults = dict.fromkeys(range(3, 40), "before")
    world.start()
    await asyncio.sleep(280)
    assert 10 < len(world.server.requests) < 20


class Answering(FakeApi):
    """Answers PUTs with this error, if there is one; an Event of no reason is about everything."""

    error: ApiError | None = None

    async def replace(self, path: str, body: Any) -> Object:
        if self.error is None:
            return await super().replace(path, body)
        self.server.requests.append(Request(self.who, "PUT", path))
        await asyncio.sleep(self.seconds)
        raise self.error

    async def get(self, path: str, query: Any = None) -> Object:
        if path.endswith("/events"):
            return {"items": [{"type": "Warning", "message": "no reason"}, {"reason": None}]}
        return await super().get(path, query)


async def disturbed(world: World, spec: Object, seconds: float) -> int:
    """PUTs while the job is touched five times a second, as reports of a large one do."""
    before = len(world.writes("/status"))
    for number in range(int(seconds * 5)):
        world.server.change(
            paths.job_object("team", "digits"),
            {"metadata": {"annotations": {"touched": str(number)}}, "spec": spec},
        )
        await asyncio.sleep(0.2)
    return len(world.writes("/status")) - before


@pytest.mark.hostile
@in_world
async def test_a_job_whose_status_is_refused_is_left_alone_whatever_arrives(world: World):
    world.apply()
    api = Answering(world.server, "operator")
    api.error = Unavailable("429")
    task = asyncio.create_task(Operator(world.server, "operator", api=api).run())
    assert await disturbed(world, {}, 120) <= 8
    assert not task.done()
    task.cancel()


@pytest.mark.hostile
@in_world
async def test_the_api_server_says_how_long_to_wait(world: World):
    world.apply()
    api = Answering(world.server, "operator")
    api.error = Unavailable("429", retry_after=100)
    task = asyncio.create_task(Operator(world.server, "operator", api=api).run())
    assert await disturbed(world, {}, 190) == 2
    task.cancel()


@pytest.mark.slow
@pytest.mark.hostile
@in_world
async def test_more_failures_of_one_job_than_a_power_of_two_can_count_end_nothing(world: World):
    world.apply()
    api = Answering(world.server, "operator")
    api.error = Unavailable("503")
    task = asyncio.create_task(Operator(world.server, "operator", api=api).run())
    await asyncio.sleep(20 * 3_600)
    assert not task.done()
    assert len(world.writes("/status")) > 1_100
    api.error = None
    await asyncio.sleep(61)
    assert world.status()["state"] == "Pending"
    task.cancel()


@pytest.mark.hostile
@in_world
async def test_requests_that_are_refused_again_and_again_are_told(world: World):
    """What a person has to do stands in the object, not only in our log."""
    world.apply()
    world.start()
    await asyncio.sleep(10)

    await world.stop()
    original = module.perform

    async def refused(*_: Any) -> None:
        raise OversizedAnswer("POST answered too much")

    module.perform = refused
    try:
        world.server.change(paths.job_object("team", "digits"), {"spec": {"suspend": True}})
        world.start("another")
        await asyncio.sleep(30)
        assert world.conditions()["Stalled"] == ("True", "RequestsFail")
    finally:
        module.perform = original
    await asyncio.sleep(61)
    assert "Stalled" not in world.conditions()


@pytest.mark.hostile
@in_world
async def test_an_event_without_a_reason_keeps_nobody_from_suspending(world: World):
    world.apply()
    api = Answering(world.server, "operator")
    task = asyncio.create_task(Operator(world.server, "operator", api=api).run())
    await asyncio.sleep(60)
    world.server.change(paths.job_object("team", "digits"), {"spec": {"suspend": True}})
    await asyncio.sleep(60)
    assert world.server.get(f"{JOBS}/{CHILD}")["spec"]["suspend"] is True
    assert "Stalled" not in world.conditions()
    task.cancel()


@pytest.mark.hostile
@in_world
async def test_a_fault_in_what_is_said_does_not_stop_what_is_done(world: World):
    world.apply()
    world.start()
    await asyncio.sleep(10)
    original = reconcile_module.build_status

    def faulty(*_: Any) -> Any:
        raise KeyError("a bug")

    reconcile_module.build_status = faulty
    try:
        world.server.change(paths.job_object("team", "digits"), {"spec": {"suspend": True}})
        await asyncio.sleep(10)
        assert world.server.get(f"{JOBS}/{CHILD}")["spec"]["suspend"] is True
        assert world.conditions()["Stalled"] == ("True", "OperatorFault")
    finally:
        reconcile_module.build_status = original


@pytest.mark.hostile
@in_world
async def test_somebody_who_changes_a_job_all_the_time_does_not_make_us_ask_as_often(world):
    world.apply()

    class Conflicting(Answering):
        async def replace(self, path: str, body: Any) -> Object:
            world.server.change(
                paths.job_object("team", "digits"),
                {"metadata": {"annotations": {"at": str(len(world.server.requests))}}},
            )
            return await super().replace(path, body)

    api = Conflicting(world.server, "operator")
    task = asyncio.create_task(Operator(world.server, "operator", api=api).run())
    await asyncio.sleep(120)
    assert len(world.writes("/status")) < 15
    task.cancel()


@pytest.mark.hostile
@in_world
async def test_a_job_that_this_version_cannot_read_is_told_and_left_alone(world: World):
    world.apply(colour="blue")
    world.start()
    await asyncio.sleep(100)
    assert world.conditions()["Stalled"] == ("True", "InvalidSpec")
    assert world.writes("/jobs") == []
    assert world.writes("/status") == ["PUT"]
    assert sorted(world.events()) == ["InvalidSpec", "NewerCRD"]


@in_world
async def test_a_newer_crd_over_a_running_job_leaves_it_in_hand(world: World):
    """Its default is in every job from then on, for the API server reads it into each."""
    world.apply()
    world.start()
    await asyncio.sleep(10)
    change = {"spec": {"colour": "blue", "suspend": True}}
    world.server.change(paths.job_object("team", "digits"), change)
    await asyncio.sleep(10)
    assert world.status()["state"] == "Suspended"
    assert world.conditions()["UnknownFields"] == ("True", "NewerCRD")
    # Whether it may get a finalizer is not known: nobody says what is the default.
    world.server.objects[paths.served_schema()] = served_schema(colour={"default": "blue"})
    await asyncio.sleep(60)
    assert world.events().count("NewerCRD") == 1
    world.apply("other", colour="blue")
    world.apply("bright", colour="red")
    await asyncio.sleep(60)
    assert "Stalled" not in world.conditions("other")
    assert world.conditions("bright")["Stalled"] == ("True", "InvalidSpec")
    jobs = {
        one["metadata"]["labels"][LABEL_JOB] for one in world.server.list("/apis/batch/v1/jobs")
    }
    assert jobs == {"digits", "other"}
    asked = [one for one in world.server.requests if "openapi" in one.path]
    assert len(asked) <= 5


@in_world
async def test_a_job_that_is_being_deleted_is_left_to_the_garbage_collector(world: World):
    made = world.apply()
    where = paths.job_object("team", "digits")
    made["metadata"]["deletionTimestamp"] = world.server.stamp()
    world.server.objects[where] = made
    world.start()
    await asyncio.sleep(60)
    assert [one for one in world.server.requests if one.writes] == []


@in_world
async def test_a_job_that_is_gone_though_no_watch_told_gets_no_children_again_and_again(world):
    world.apply()
    world.start()
    await asyncio.sleep(10)
    watchers, world.server.watchers = world.server.watchers, []
    world.server.delete(paths.job_object("team", "digits"))
    world.server.watchers = watchers
    before = len(world.writes("/jobs"))
    await asyncio.sleep(290)
    assert len(world.writes("/jobs")) - before <= 1


@in_world
async def test_deleted_children_are_found_without_any_watch(world: World):
    world.apply()
    world.start()
    await asyncio.sleep(10)
    watchers, world.server.watchers = world.server.watchers, []
    world.server.delete(f"{JOBS}/{CHILD}")
    world.server.watchers = watchers
    await asyncio.sleep(320)
    assert world.server.get(f"{JOBS}/{CHILD}")


@pytest.mark.hostile
@in_world
async def test_somebody_who_undoes_what_we_do_does_not_make_us_run_in_circles(world: World):
    """A mutating webhook, say, that fixes parallelism."""
    world.apply(parallelism=2)
    world.start()
    await asyncio.sleep(10)

    def undo(kind: str, raw: Object) -> None:
        if raw["metadata"]["name"] == CHILD and raw["spec"]["parallelism"] != 2:
            world.server.change(f"{JOBS}/{CHILD}", {"spec": {"parallelism": 2}})

    world.server.watchers.append(undo)
    world.server.change(paths.job_object("team", "digits"), {"spec": {"parallelism": 4}})
    before = len(world.server.requests)
    await asyncio.sleep(60)
    assert len(world.server.requests) - before < 300


class Unchanging(FakeApi):
    """Refuses every change and deletion of a Job while `denied`, as a webhook would."""

    denied = True
    asked = 0

    def _refuse(self, path: str) -> None:
        if self.denied and path.startswith(JOBS):
            self.asked += 1
            raise Denied("admission webhook denied the request")

    async def merge(self, path: str, body: Any) -> Object:
        self._refuse(path)
        return await super().merge(path, body)

    async def delete(self, path: str, *, uid: str) -> None:
        self._refuse(path)
        await super().delete(path, uid=uid)


@in_world
async def test_a_refused_change_is_told_and_asked_for_again_after_a_while(world: World):
    world.apply()
    api = Unchanging(world.server, "operator")
    task = asyncio.create_task(Operator(world.server, "operator", api=api).run())
    await asyncio.sleep(10)
    world.server.change(paths.job_object("team", "digits"), {"spec": {"suspend": True}})
    await asyncio.sleep(300)
    assert world.conditions()["Stalled"] == ("True", "NotAllowed")
    assert world.status()["state"] == "Pending"
    assert world.events().count("NotAllowed") == 1
    assert api.asked <= 11
    api.denied = False
    await asyncio.sleep(35)
    assert world.status()["state"] == "Suspended"
    assert "Stalled" not in world.conditions()
    task.cancel()
