"""Whether a job gets on, and if not, why. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from batchprocess.kube.index_ranges import format_ranges
from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.conditions import Fact
from batchprocess_operator.model.job import Decision, Job
from batchprocess_operator.model.observed import ChildJob, ChildPod, Observed, is_running
from batchprocess_operator.model.reported import ShardReport
from batchprocess_operator.observe.shard_numbers import shards_of
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.status.pods_failed import has_failed
from batchprocess_operator.status.pods_kept import pods_kept

_MAX_STALL_SECONDS = 300
"""A stall is shown at half of stallSeconds, when the agent would end it, or after this long."""
_FRESH_SECONDS = 30


def progressing(
    job: Job,
    observed: Observed,
    shards: Shards,
    decision: Decision,
    trouble: Iterable[Fact],
    now: datetime,
) -> list[Fact]:
    """Progressing; of a job whose workers are not at work only what keeps it from ending.

    `trouble`: PodsStarting and PodsFailed, as they are told beside it.
    """
    kept, child = pods_kept(observed, decision.child, now), decision.child
    if kept is not None:
        return [kept]
    if decision.state != "Running" or child is None:
        return []
    stalled = _stalled(job, observed, shards, now)
    if stalled is not None:
        return [stalled]
    told = {(fact.type, fact.true): fact for fact in trouble}
    failed, stuck = told.get(("PodsFailed", True)), told.get(("PodsStarting", False))
    pods = observed.pods_of(child)
    worst = failed if _only_failures(job, observed, child, pods, now) else None
    if stuck is not None and not any(is_running(pod) for pod in pods):
        worst = worst or stuck
    if worst is not None:
        return [Fact("Progressing", False, worst.reason, worst.message)]
    indexing = _indexing(observed.reported.shards.values(), shards.running, now)
    return [indexing or Fact("Progressing", True, "BatchesFinish")]


def _indexing(
    reports: Iterable[ShardReport], running: frozenset[int], now: datetime
) -> Fact | None:
    """That files are looked through for rows, if that is all that running shards do."""
    fresh = now - timedelta(seconds=_FRESH_SECONDS)
    at_work = [one for one in reports if one.shard in running and one.received > fresh]
    if not at_work or any(one.phase != "indexing" for one in at_work):
        return None
    told = [one.indexed for one in at_work if one.indexed is not None and one.indexed.total]
    if not told:
        return Fact("Progressing", True, "Indexing", "the files of the input are listed")
    far = max(told, key=lambda one: one.done)
    percent = 100 * far.done // far.total
    message = f"{percent} % of {far.total:,} bytes of the input are looked through for rows"
    return Fact("Progressing", True, "Indexing", message)


def _only_failures(
    job: Job, observed: Observed, child: ChildJob, pods: Sequence[ChildPod], now: datetime
) -> bool:
    """Whether a failure was the last that happened, and no pod at work has come further since.

    One that has been at work for longer than the last that failed is believed to: nothing may be
    heard of it.
    """
    over = [pod for pod in pods if has_failed(pod) or pod.exit_code == 0]
    last = max(over, key=_ended, default=None)
    if last is None or not has_failed(last):
        return False
    at_work = [pod for pod in pods if is_running(pod)]
    lived = _ended(last) - last.created
    if any(now - pod.created > lived for pod in at_work):
        return False
    each = job.body.spec.worker.processes_per_worker
    own = shards_of(child, {pod.index for pod in at_work}, job.body.spec.shards, each)
    before = {end.shard: end.cursor for pod in over for end in _ends(pod)}
    reports = observed.reported.shards
    return not any(reports[k].cursor > before.get(k, 0) for k in own if k in reports)


def _ended(pod: ChildPod) -> datetime:
    return pod.ended_at or pod.created


def _ends(pod: ChildPod) -> Sequence[ShardEnd]:
    return () if pod.termination is None else pod.termination.shards


def stalled_shards(
    job: Job, reports: Iterable[ShardReport], running: frozenset[int], now: datetime
) -> list[int]:
    """Running shards that send reports, and whose reports have shown nothing done for too long.

    Silence says nothing: the way of reports may be cut, and the work goes on.
    """
    limit = min(job.body.spec.timeouts.stall_seconds / 2, _MAX_STALL_SECONDS)
    since, fresh = now - timedelta(seconds=limit), now - timedelta(seconds=_FRESH_SECONDS)
    return sorted(
        report.shard
        for report in reports
        if report.shard in running
        and report.phase not in ("indexing", "starting")
        and report.advanced < since
        and report.received > fresh
    )


def _stalled(job: Job, observed: Observed, shards: Shards, now: datetime) -> Fact | None:
    stalled = stalled_shards(job, observed.reported.shards.values(), shards.running, now)
    if not stalled:
        return None
    message = f"no batch finished lately in shards {format_ranges(stalled)}"
    return Fact("Progressing", False, "Stalled", message)
