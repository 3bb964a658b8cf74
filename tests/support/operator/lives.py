"""Whole lives of a job in virtual time: the real controller over a fake API server and cluster."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchprocess.kube import paths
from batchprocess_operator.apply.event_recorder import EventRecorder
from batchprocess_operator.controller.controller import Controller
from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.controller.services import Services
from batchprocess_operator.controller.work_queue import WorkQueue
from batchprocess_operator.endpoint.progress_tracker import ProgressTracker
from batchprocess_operator.kube.errors import ApiError
from batchprocess_operator.model.report_address import ReportAddress
from batchprocess_operator.notify.notifier import Notifier
from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.collections import Kind, collections
from batchprocess_operator.watch.intake import Intake
from batchprocess_operator.watch.lookups import Lookups
from batchprocess_operator.watch.relist import Relist
from batchprocess_operator.watch.served_schema import ServedSchema
from support.operator.fake_api import Died, FakeApi, FakeServer, Fault, Object
from support.operator.fake_jobs import FakeCluster, Script, all_well
from support.operator.objects import job_object
from support.operator.virtual_time import run_virtually

_LAG = 0.2
_RESTART_SECONDS = 2.0
FINAL = ("Complete", "CompleteWithFailures", "Failed")


@dataclass
class Operator:
    """One process of the operator, without watches: events come `_LAG` seconds late, in order.

    Those of pods, of which a large job has many, come `pods_lag` seconds late.
    """

    server: FakeServer
    who: str
    cache: JobCache = field(default_factory=JobCache)
    api: FakeApi | None = None
    pods_lag: float = _LAG
    report_address: ReportAddress | None = None
    notifier: Callable[[Callable[[str], None]], Notifier] = lambda _: Notifier()

    async def run(self) -> None:
        """Until it dies."""
        loop = asyncio.get_running_loop()
        queue = WorkQueue(loop.time)
        api, now = self.api or FakeApi(self.server, self.who), self.server.now
        tracker = ProgressTracker(queue.add, lambda uid: None, now)
        services = Services(
            api=api,  # type: ignore[arg-type]
            cache=self.cache,
            queue=queue,
            reports=tracker,
            lookups=Lookups(api, loop.time),  # type: ignore[arg-type]
            served_schema=ServedSchema(api, loop.time),  # type: ignore[arg-type]
            recorder=EventRecorder(api, loop.time),  # type: ignore[arg-type]
            clock=loop.time,
            notifier=self.notifier(queue.add),
        )
        controller = Controller(
            services,
            report_address=lambda: self.report_address,
            now=lambda: now().replace(microsecond=0),
            metrics=Metrics(self.cache),
        )
        intake = Intake(self.cache, queue.add)
        relist = Relist(api, self.cache, collections([None]), intake)  # type: ignore[arg-type]

        def seen(kind: str, raw: Object) -> None:
            lag = self.pods_lag if "nodeName" in raw.get("spec", {}) else _LAG
            loop.call_later(lag, self._take, kind, raw, intake)

        self.server.watchers.append(seen)
        try:
            await relist.once(loop.time)
            async with asyncio.TaskGroup() as group:
                group.create_task(controller.work())
                group.create_task(controller.work())
                group.create_task(relist.run_forever(loop.time))
                for work in services.notifier.workers():
                    group.create_task(work())
        finally:
            self.server.watchers.remove(seen)

    def _take(self, kind: str, raw: Object, intake: Intake) -> None:
        """As `watching.py` does."""
        if raw.get("kind") == "BatchProcessJob":
            what: Kind = "job"
        elif "spec" not in raw:
            return
        else:
            what = "pod" if "nodeName" in raw["spec"] else "child"
        job = (intake.drop if kind == "DELETED" else intake.put)(what, raw)
        if job is not None:
            intake.changed(job)


@dataclass
class Life:
    """What became of a job. `states`: as written, each once a retry; `deaths` of operators."""

    server: FakeServer
    cluster: FakeCluster
    edits: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    pods_lag: float = _LAG
    states: list[str] = field(default_factory=list)
    told: tuple[Any, Any] = (None, None)
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
    edits: Iterable[tuple[str, dict[str, Any]]] = (),
    pods_lag: float = _LAG,
    **spec: Any,
) -> Life:
    """A job of three shards, two at a time, from its creation to `seconds` later or its end.

    `edits`: once the state has become this for a minute, the spec is patched so; and so on.
    """
    server = FakeServer(faults=dict(faults or {}))
    life = Life(server, FakeCluster(server, script), list(edits), pods_lag)
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
            seen = 0
            for state, change in life.edits:
                while life.states[seen:][-1:] != [state]:
                    await _unless_ended(tasks, 1)
                seen = len(life.states)
                await _unless_ended(tasks, 60)
                life.server.change(f"{paths.job_objects('team')}/digits", {"spec": change})
            while not life.states or life.states[-1] not in FINAL:
                await _unless_ended(tasks, 1)
            # Whatever is still to come, comes, refused requests too, which are tried again after
            # half a minute: nothing must be made any more.
            await _unless_ended(tasks, 600)
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
            await Operator(life.server, who, pods_lag=life.pods_lag).run()
        except BaseExceptionGroup as group:
            if group.subgroup(Died) is None:
                raise
        except (Died, ApiError):
            pass  # without its first full look it does not begin
        life.deaths += 1
        await asyncio.sleep(_RESTART_SECONDS)


def _note(life: Life, raw: Object) -> None:
    status = raw.get("status") or {}
    told = status.get("state"), status.get("retry")
    if raw.get("kind") == "BatchProcessJob" and told[0] and told != life.told:
        life.told = told
        life.states.append(told[0])
