"""Whole lives of a job in virtual time: the real controller over a fake API server and cluster."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchprocess_operator import paths
from batchprocess_operator.controller import Controller
from batchprocess_operator.errors import ApiError
from batchprocess_operator.inquire import Inquiries
from batchprocess_operator.metrics import Metrics
from batchprocess_operator.queue import WorkQueue
from batchprocess_operator.record import Recorder
from batchprocess_operator.resync import Resync
from batchprocess_operator.store import Store
from batchprocess_operator.tracker import Tracker
from support.fake_api import Died, FakeApi, FakeServer, Fault, Object
from support.fake_jobs import FakeCluster, Script, all_well
from support.operator_objects import job_object
from support.virtual_time import run_virtually

_LAG = 0.2
_RESTART_SECONDS = 2.0
FINAL = ("Complete", "CompleteWithFailures", "Failed")


@dataclass
class Operator:
    """One process of the operator, without kopf: events come `_LAG` seconds late, in order."""

    server: FakeServer
    who: str
    store: Store = field(default_factory=Store)

    async def run(self) -> None:
        """Until it dies."""
        loop = asyncio.get_running_loop()
        queue = WorkQueue(loop.time)
        api, now = FakeApi(self.server, self.who), self.server.now
        tracker = Tracker(queue.add, lambda uid: None, now)
        controller = Controller(
            api=api,  # type: ignore[arg-type]
            store=self.store,
            queue=queue,
            reports=tracker,
            road=None,
            inquiries=Inquiries(api, loop.time),  # type: ignore[arg-type]
            recorder=Recorder(api, loop.time),  # type: ignore[arg-type]
            clock=loop.time,
            now=lambda: now().replace(microsecond=0),
            metrics=Metrics(self.store),
        )
        resync = Resync(api, self.store, (None,), queue.add)  # type: ignore[arg-type]

        def seen(kind: str, raw: Object) -> None:
            loop.call_later(_LAG, self._take, kind, raw, queue)

        self.server.watchers.append(seen)
        try:
            await resync.once(loop.time)
            async with asyncio.TaskGroup() as group:
                group.create_task(controller.work())
                group.create_task(controller.work())
                group.create_task(resync.keep_on(loop.time))
        finally:
            self.server.watchers.remove(seen)

    def _take(self, kind: str, raw: Object, queue: WorkQueue) -> None:
        """As `watch.py` does."""
        if raw.get("kind") == "BatchProcessJob":
            gone = self.store.drop_job
            uid = gone(raw["metadata"]["uid"]) if kind == "DELETED" else self.store.put_job(raw)
        elif "spec" not in raw:
            return
        elif "nodeName" in raw["spec"]:
            put = self.store.drop_pod if kind == "DELETED" else self.store.put_pod
            uid = put(raw)
        else:
            put = self.store.drop_child if kind == "DELETED" else self.store.put_child
            uid = put(raw)
        if uid is not None:
            queue.add(uid)


@dataclass
class Life:
    """What became of a job. `states`: as written, each once; `deaths` of operators."""

    server: FakeServer
    cluster: FakeCluster
    states: list[str] = field(default_factory=list)
    deaths: int = 0

    @property
    def status(self) -> Mapping[str, Any]:
        (job,) = self.server.list(paths.job_objects())
        status: Mapping[str, Any] = job["status"]
        return status

    def writes(self, kind: str = "") -> list[str]:
        """Requests that write, whose path ends with, or has, `kind`."""
        return [
            f"{one.method} {one.path}"
            for one in self.server.requests
            if one.writes and kind in one.path
        ]

    def made(self, kind: str = "/jobs/") -> list[str]:
        """Names of the objects that clients and controllers created, in order."""
        return [path.rpartition("/")[2] for path, _ in self.server.created if kind in path]


def live(
    script: Script = all_well,
    faults: Mapping[int, Fault] | None = None,
    *,
    operators: int = 1,
    seconds: float = 900,
    **spec: Any,
) -> Life:
    """A job of three shards, two at a time, from its creation to `seconds` later or its end."""
    server = FakeServer(faults=dict(faults or {}))
    life = Life(server, FakeCluster(server, script))
    run_virtually(_live(life, operators, seconds, {"shards": 3, "parallelism": 2} | spec))
    return life


async def _live(life: Life, operators: int, seconds: float, spec: dict[str, Any]) -> None:
    life.server.watchers.append(lambda kind, raw: _note(life, raw))
    body = job_object(None, **spec)
    life.server.create(paths.job_objects("team"), body)
    tasks = [asyncio.create_task(_again_and_again(life, f"operator-{k}")) for k in range(operators)]
    tasks.append(asyncio.create_task(life.cluster.run()))
    try:
        async with asyncio.timeout(seconds):
            while not life.states or life.states[-1] not in FINAL:
                await _unless_ended(tasks, 1)
            # Whatever is still to come, comes: nothing must be made any more.
            await _unless_ended(tasks, 60)
    except TimeoutError:
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _unless_ended(tasks: list["asyncio.Task[None]"], seconds: float) -> None:
    """Wait; what ends one of the tasks ends the test."""
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _again_and_again(life: Life, who: str) -> None:
    while True:
        try:
            await Operator(life.server, who).run()
        except BaseExceptionGroup as group:
            if group.subgroup(Died) is None:
                raise
        except (Died, ApiError):
            pass  # without its first full look it does not begin
        life.deaths += 1
        await asyncio.sleep(_RESTART_SECONDS)


def _note(life: Life, raw: Object) -> None:
    state = (raw.get("status") or {}).get("state")
    if raw.get("kind") == "BatchProcessJob" and state and life.states[-1:] != [state]:
        life.states.append(state)
