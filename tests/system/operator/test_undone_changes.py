"""Lives of jobs whose children somebody else changes back, again and again. In virtual time."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from batchprocess.kube import paths
from support.operator.fake_api import FakeApi, FakeServer, Object
from support.operator.fake_jobs import FakeCluster
from support.operator.lives import Operator
from support.operator.objects import job_object
from support.operator.virtual_time import virtually

pytestmark = pytest.mark.hostile


class Contest:
    """A job, an operator, and somebody who undoes what it does to its children."""

    api: FakeApi | None = None

    def __init__(self, *, pods: bool = False) -> None:
        self.server, self.tasks = FakeServer(), list["asyncio.Task[None]"]()
        self.server.create(paths.job_objects("team"), job_object(None, shards=3, parallelism=2))
        if pods:
            self.tasks.append(asyncio.create_task(FakeCluster(self.server).run()))
        self.start()

    def start(self) -> None:
        self.operator = asyncio.create_task(Operator(self.server, "operator", api=self.api).run())
        self.tasks.append(self.operator)

    @contextmanager
    def undoing(self, undo: Callable[[str, Object], None]) -> Iterator[None]:
        def watch(kind: str, raw: Object) -> None:
            if "template" in raw.get("spec", {}):
                undo(kind, raw)

        self.server.watchers.append(watch)
        yield
        self.server.watchers.remove(watch)

    async def requests(self, seconds: float) -> int:
        before = len(self.server.requests)
        await asyncio.sleep(seconds)
        return len(self.server.requests) - before

    @property
    def status(self) -> Object:
        found: Object = self.server.get(paths.job_object("team", "digits"))["status"]
        return found

    def stalled(self) -> str:
        told = {one["type"]: one for one in self.status["conditions"]}
        return told.get("Stalled", {}).get("message", "")

    def child(self) -> str:
        (found,) = self.server.list("/apis/batch/v1/jobs")
        return f"/apis/batch/v1/namespaces/team/jobs/{found['metadata']['name']}"

    def suspender(self) -> Callable[[str, Object], None]:
        def suspend(kind: str, raw: Object) -> None:
            if raw["spec"].get("suspend") is False:
                path = f"/apis/batch/v1/namespaces/team/jobs/{raw['metadata']['name']}"
                self.server.change(path, {"spec": {"suspend": True}})

        return suspend

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@virtually
async def test_a_worker_job_that_is_suspended_each_time_is_resumed_ever_more_seldom_and_told():
    contest = Contest()
    await asyncio.sleep(10)
    with contest.undoing(contest.suspender()):
        contest.server.change(contest.child(), {"spec": {"suspend": True}})
        assert await contest.requests(60) < 20
        assert "spec.suspend of Job" in contest.stalled()
        assert contest.status["state"] == "Suspended"
        assert await contest.requests(3_600) < 100
        assert "spec.suspend of Job" in contest.stalled()
    posted = [one["reason"] for one in contest.server.list("/api/v1/events")]
    assert posted.count("ChangesUndone") == 1
    await asyncio.sleep(400)
    assert contest.server.get(contest.child())["spec"]["suspend"] is False
    assert contest.stalled() == ""
    await contest.end()


@virtually
async def test_an_operator_that_begins_in_the_middle_of_it_tries_once_and_says_the_same():
    contest = Contest()
    await asyncio.sleep(10)
    with contest.undoing(contest.suspender()):
        contest.server.change(contest.child(), {"spec": {"suspend": True}})
        await asyncio.sleep(60)
        told = contest.stalled()
        for _ in range(5):
            contest.operator.cancel()
            await asyncio.sleep(1)
            contest.start()
            before = [one for one in contest.server.requests if one.writes]
            await asyncio.sleep(100)
            after = [one for one in contest.server.requests if one.writes]
            assert [one.method for one in after[len(before) :]] == ["PATCH"]
            assert contest.stalled() == told
    await contest.end()


@virtually
async def test_a_worker_job_that_is_deleted_each_time_costs_little_and_is_told():
    contest = Contest()
    await asyncio.sleep(10)
    loop = asyncio.get_running_loop()

    def delete(kind: str, raw: Object) -> None:
        if kind == "ADDED":
            path = f"/apis/batch/v1/namespaces/team/jobs/{raw['metadata']['name']}"
            loop.call_soon(contest.server.delete, path)

    with contest.undoing(delete):
        contest.server.delete(contest.child())
        await asyncio.sleep(60)
        assert "is deleted again and again" in contest.stalled()
        assert await contest.requests(3_600) < 100
    await asyncio.sleep(400)
    assert contest.stalled() == ""
    assert contest.child()
    await contest.end()


@virtually
async def test_a_finalizer_that_is_suspended_each_time_is_told_and_goes_on_once_it_may():
    contest = Contest(pods=True)

    def suspend(kind: str, raw: Object) -> None:
        if raw["metadata"]["name"].endswith("-fin"):
            contest.suspender()(kind, raw)

    with contest.undoing(suspend):
        await asyncio.sleep(60)
        assert "-fin is set back each time" in contest.stalled()
        assert contest.status["state"] == "Finalizing"
        assert await contest.requests(3_600) < 100
    await asyncio.sleep(400)
    assert contest.status["state"] == "Complete"
    await contest.end()


@virtually
async def test_a_status_that_is_taken_back_each_time_is_written_no_faster_than_progress():
    contest, loop = Contest(), asyncio.get_running_loop()
    path = paths.job_object("team", "digits")

    def take_back(kind: str, raw: Object) -> None:
        if raw.get("kind") == "BatchProcessJob" and raw.get("status"):
            body = {"metadata": {}, "status": {}}
            loop.call_soon(contest.server.replace_status, f"{path}/status", body)

    contest.server.watchers.append(take_back)
    await asyncio.sleep(60)
    assert await contest.requests(600) < 150
    contest.server.watchers.remove(take_back)
    await asyncio.sleep(10)
    assert contest.status["state"] == "Pending"
    await contest.end()


class Hooked(FakeApi):
    """A mutating webhook leaves Jobs suspended; what it changes counts as written by us."""

    async def merge(self, path: str, body: Mapping[str, Any]) -> Object:
        spec = body.get("spec", {}) | ({"suspend": True} if "/jobs/" in path else {})
        return await super().merge(path, {**body, "spec": spec})


@virtually
async def test_a_webhook_that_changes_what_we_write_is_told_as_well():
    contest = Contest()
    await asyncio.sleep(10)
    contest.operator.cancel()
    contest.server.change(contest.child(), {"spec": {"suspend": True}})
    contest.api = Hooked(contest.server)
    contest.start()
    await asyncio.sleep(60)
    assert "set back each time by a mutating webhook" in contest.stalled()
    assert await contest.requests(3_600) < 100
    await contest.end()
