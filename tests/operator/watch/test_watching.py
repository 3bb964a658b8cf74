"""A watch goes on, whatever comes and whatever ends it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from batchprocess_operator.kube.errors import ApiError, Denied, Expired, Unavailable
from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.collections import Collection, collections
from batchprocess_operator.watch.intake import Intake
from batchprocess_operator.watch.watching import Watch
from support.operator.objects import UID, job_object
from support.operator.virtual_time import clock, virtually

Step = bytes | ApiError | None


def event(kind: str, version: int = 5, **spec: Any) -> bytes:
    raw = job_object(**spec)
    raw["metadata"]["resourceVersion"] = str(version)
    return json.dumps({"type": kind, "object": raw}).encode()


class FakeStreams:
    """Streams of events, each given as what comes: an event, an error, or (None) a quiet hour."""

    def __init__(self, *streams: list[Step]) -> None:
        self.streams, self.asked, self.newest = list(streams), list[tuple[float, int]](), 1

    async def newest_version(self, path: str, selector: str | None) -> int:
        return self.newest

    async def watch(
        self, path: str, selector: str | None, version: int
    ) -> AsyncGenerator[bytes, None]:
        self.asked.append((round(clock()), version))
        for step in self.streams.pop(0) if self.streams else [None]:
            if isinstance(step, ApiError):
                raise step
            if step is None:
                await asyncio.sleep(3_600)
            else:
                yield step


class Watching:
    """One watch of jobs over such streams, for ten minutes."""

    def __init__(self, *streams: list[Step]) -> None:
        self.api, self.told, self.looks = FakeStreams(*streams), list[str](), list[Collection]()
        self.intake = Intake(JobCache(), self.told.append)
        jobs = collections([None])[0]
        self.watch = Watch(self.api, jobs, self.intake, self._look, clock)  # type: ignore[arg-type]

    async def _look(self, where: Collection) -> list[str]:
        self.looks.append(where)
        return ["listed"]

    async def run(self, seconds: float = 600) -> None:
        task = asyncio.create_task(self.watch.run_forever())
        done, _ = await asyncio.wait([task], timeout=seconds)
        assert not done
        task.cancel()


@virtually
async def test_events_keep_the_cache_and_name_the_job():
    watching = Watching([event("ADDED", 5), event("MODIFIED", 6), None])
    await watching.watch.begin()
    await watching.run()
    job = watching.intake.cache.entries[UID].job
    assert job is not None
    assert job.version == 6
    assert watching.told == [UID, UID]


@virtually
async def test_a_deletion_is_one():
    watching = Watching([event("ADDED", 5), event("DELETED", 6), None])
    await watching.run()
    assert watching.intake.cache.entries == {}


@virtually
async def test_a_stream_that_ends_is_taken_up_where_it_ended():
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "77"}}}
    watching = Watching([event("ADDED", 5)], [json.dumps(bookmark).encode()], [None])
    await watching.watch.begin()
    await watching.run()
    assert [version for _, version in watching.api.asked] == [1, 5, 77]
    assert watching.looks == []


@pytest.mark.hostile
@virtually
async def test_events_that_cannot_be_read_are_counted_and_passed_over():
    deep = event("ADDED").replace(b'"team"', b"[" * 30_000 + b"]" * 30_000)
    lines: list[Step] = [b"{", b"[]", b'{"type": 7}', b"9" * 9_000, deep]
    lines.append(event("ADDED", 5).replace(b'"5"', b'"five"'))
    watching = Watching([*lines, event("ADDED", 6), None])
    await watching.run()
    assert watching.intake.unreadable == len(lines)
    assert watching.told[-1] == UID


@pytest.mark.hostile
@virtually
async def test_a_job_as_deep_as_the_api_server_takes_it_comes_through():
    deep = event("ADDED").replace(b'"team"', b'"team", "x": ' + b"[" * 9_990 + b"]" * 9_990)
    watching = Watching([deep, None])
    await watching.run()
    assert watching.told[-1] == UID


@virtually
async def test_a_version_that_is_too_old_has_all_listed_again():
    gone = b'{"type": "ERROR", "object": {"code": 410, "message": "too old"}}'
    watching = Watching([gone], [Expired("too old")], [None])
    await watching.watch.begin()
    watching.api.newest = 9
    await watching.run()
    assert [version for _, version in watching.api.asked] == [1, 9, 9]
    assert len(watching.looks) == 2
    assert watching.told == ["listed"] * 2


@pytest.mark.hostile
@virtually
async def test_a_namespace_that_is_forbidden_is_asked_for_ever_more_seldom_and_found_again():
    refused: list[list[Step]] = [[Denied("forbidden")] for _ in range(12)]
    watching = Watching(*refused, [event("ADDED"), None])
    await watching.run(3_000)
    waits = [b[0] - a[0] for a, b in zip(watching.api.asked, watching.api.asked[1:], strict=False)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]
    assert UID in watching.told


@virtually
async def test_a_version_that_the_server_has_never_had_is_given_up():
    watching = Watching(*[[Unavailable("504: too large resource version")] for _ in range(3)])
    watching.watch.version, watching.api.newest = 1_000, 1_000
    await watching.run()
    assert [version for _, version in watching.api.asked] == [1_000] * 4
    assert len(watching.looks) == 1


@virtually
async def test_a_cluster_that_was_restored_from_a_backup_is_looked_at_anew():
    """It takes a version that it has not reached yet, and shows nothing until it has."""
    watching = Watching([event("ADDED", 1_000), Unavailable("connection refused")], [None])
    watching.api.newest = 3
    await watching.watch.begin()
    await watching.run()
    assert [version for _, version in watching.api.asked] == [3, 3]
    assert len(watching.looks) == 1
    assert watching.told == [UID, "listed"]


@virtually
async def test_a_connection_that_broke_costs_no_list_of_all():
    watching = Watching([event("ADDED", 5), Unavailable("connection reset")], [None])
    await watching.watch.begin()
    watching.api.newest = 9
    await watching.run()
    assert [version for _, version in watching.api.asked] == [1, 5]
    assert watching.looks == []


@virtually
async def test_streams_that_end_at_once_are_begun_ever_more_seldom():
    watching = Watching(*[list[Step]() for _ in range(1_000)])
    await watching.watch.begin()
    await watching.run(3_600)
    assert len(watching.api.asked) < 380
    last, before = watching.api.asked[-1][0], watching.api.asked[-2][0]
    assert last - before == 10
