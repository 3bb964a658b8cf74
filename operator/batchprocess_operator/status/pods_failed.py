"""That pods fail, and why, as they said it, long before a shard has used up its retries. Pure."""

from collections.abc import Iterable

from batchprocess.api.status import Condition
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess_operator.model.conditions import Fact, by_type
from batchprocess_operator.model.index_ranges import format_ranges
from batchprocess_operator.model.job import Decision, Job, was_finalizing
from batchprocess_operator.model.observed import ChildJob, ChildPod, Observed
from batchprocess_operator.observe.shard_numbers import shards_of
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.status.pods_starting import never_ran

_UNREPORTED = frozenset(
    {
        # Ended as it was asked to.
        *(ExitCode.SEALED, ExitCode.STOPPED, ExitCode.FENCED),
        # Its Job fails by it at once, and says so.
        *(ExitCode.CANNOT_WORK, ExitCode.VERIFICATION),
    }
)
_KINDS: dict[int, str] = {
    ExitCode.STORAGE: "StorageFailed",
    ExitCode.STALLED: "PodStalled",
    ExitCode.NO_PROGRESS: "NoProgress",
    ExitCode.CLOSED: "ShardClosed",
    ExitCode.USER_CODE: "UserCodeRaised",
}
_RANKS = (
    *("StorageFailed", "PodKilled", "PodError", "PodStalled"),
    *("NoProgress", "ShardClosed", "OOMKilled", "UserCodeRaised"),
)
"""The last is for people the most telling. The condition's reason never goes back, so a worker Job
is worth this many events at most, however many shards it has and whoever restarts meanwhile."""
_MAX_NAMED = 3
_MAX_MESSAGE = 300
_MAX_RANGES = 100


def pods_failed(job: Job, observed: Observed, shards: Shards, decision: Decision) -> list[Fact]:
    """PodsFailed: True once a pod of the child has failed, for as long as the child runs."""
    child = decision.child
    if child is None:
        return []
    before = _condition_before(job, decision, child)
    failed = [pod for pod in observed.pods_of(child) if _has_failed(pod)]
    if not failed:
        # Kubernetes may have cleared them away; what was said of them holds.
        kept = () if before is None else (before,)
        return [Fact("PodsFailed", True, one.reason, one.message) for one in kept]
    kinds = {_kind(pod) for pod in failed} | ({before.reason} if before is not None else set())
    return [Fact("PodsFailed", True, max(kinds, key=_rank), _message(job, shards, child, failed))]


def last_message(pod: ChildPod) -> str:
    """The agent's sentence, else the last line of the log, else the kubelet's reason: OOMKilled."""
    if pod.termination is not None and pod.termination.message:
        return pod.termination.message
    if pod.died is None:
        return ""
    lines = [line for line in pod.died.message.splitlines() if line.strip()]
    return lines[-1] if lines else pod.died.reason


def _condition_before(job: Job, decision: Decision, child: ChildJob) -> Condition | None:
    """The condition as last written, if it was about the same child."""
    before = job.before
    same_retry = before.retry == decision.retry(job)
    same_role = was_finalizing(before) == (child.role == "finalizer")
    return by_type(before.conditions).get("PodsFailed") if same_retry and same_role else None


def _has_failed(pod: ChildPod) -> bool:
    """Of itself: who deletes, evicts or drains a pod knows that it has ended."""
    if pod.died is None or pod.exit_code in _UNREPORTED or never_ran(pod) is not None:
        return False
    return pod.lost_at is None and not pod.disrupted


def _kind(pod: ChildPod) -> str:
    code = pod.exit_code or 0
    if pod.died is not None and pod.died.reason == "OOMKilled":
        return "OOMKilled"
    return _KINDS.get(code, "PodKilled" if code > 128 else "PodError")


def _rank(kind: str) -> int:
    return _RANKS.index(kind) if kind in _RANKS else -1


def _message(job: Job, shards: Shards, child: ChildJob, failed: Iterable[ChildPod]) -> str:
    newest = {_kind(pod): last_message(pod) for pod in failed}
    worst = sorted(newest, key=_rank, reverse=True)
    messages = dict.fromkeys(newest[kind][:_MAX_MESSAGE] for kind in worst)
    return "; ".join([*list(messages)[:_MAX_NAMED], _where(job, shards, child, failed)])


def _where(job: Job, shards: Shards, child: ChildJob, failed: Iterable[ChildPod]) -> str:
    if child.role == "finalizer":
        return "pods of the finalizer have failed"
    indexes = {pod.index for pod in failed}
    each = job.body.spec.worker.processes_per_worker
    hit = shards_of(child, indexes, shards.total, each)
    named = f"shards {format_ranges(hit)}"
    return f"pods of {named if len(named) <= _MAX_RANGES else f'{len(hit)} shards'} have failed"
