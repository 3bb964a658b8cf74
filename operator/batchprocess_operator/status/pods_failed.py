"""That pods fail, and why, as they said it, long before a shard has used up its retries. Pure."""

from collections.abc import Iterable

from batchprocess.api.status import Condition
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess_operator.model.conditions import Fact, by_type
from batchprocess_operator.model.job import Decision, Job, was_finalizing
from batchprocess_operator.model.observed import ChildJob, ChildPod, Observed
from batchprocess_operator.model.words import sentence
from batchprocess_operator.observe.shard_numbers import named_shards, shards_of
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.status.pod_ends import kind_of, newest_causes, rank
from batchprocess_operator.status.pods_starting import never_ran

_UNREPORTED = frozenset(
    {
        # Ended as it was asked to.
        *(ExitCode.SEALED, ExitCode.STOPPED, ExitCode.FENCED),
        # Its Job fails by it at once, and says so.
        *(ExitCode.CANNOT_WORK, ExitCode.VERIFICATION, ExitCode.TOO_MANY_BAD_ROWS),
    }
)
"""A condition's reason never goes back, so a worker Job is worth as many events as there are kinds
at most, however many shards it has and whoever restarts meanwhile."""


def pods_failed(job: Job, observed: Observed, shards: Shards, decision: Decision) -> list[Fact]:
    """PodsFailed: True once a pod of the child has failed, for as long as the child runs."""
    child = decision.child
    if child is None:
        return []
    before = _condition_before(job, decision, child)
    failed = [pod for pod in observed.pods_of(child) if has_failed(pod)]
    if not failed:
        # Kubernetes may have cleared them away; what was said of them holds.
        kept = () if before is None else (before,)
        return [Fact("PodsFailed", True, one.reason, one.message) for one in kept]
    kinds = {kind_of(pod) for pod in failed} | ({before.reason} if before is not None else set())
    message = sentence(newest_causes(failed), _where(job, shards, child, failed))
    return [Fact("PodsFailed", True, max(kinds, key=rank), message)]


def _condition_before(job: Job, decision: Decision, child: ChildJob) -> Condition | None:
    """The condition as last written, if it was about the same child."""
    before = job.before
    same_retry = before.retry == decision.retry(job)
    same_role = was_finalizing(before) == (child.role == "finalizer")
    return by_type(before.conditions).get("PodsFailed") if same_retry and same_role else None


def has_failed(pod: ChildPod) -> bool:
    """Of itself: who deletes, evicts or drains a pod knows that it has ended."""
    if pod.lost_at is not None or pod.disrupted or never_ran(pod) is not None:
        return False
    died = pod.died is not None and pod.exit_code not in _UNREPORTED
    return died or pod.failure is not None


def _where(job: Job, shards: Shards, child: ChildJob, failed: Iterable[ChildPod]) -> str:
    if child.role == "finalizer":
        return "pods of the finalizer have failed"
    indexes = {pod.index for pod in failed}
    each = job.body.spec.worker.processes_per_worker
    hit = shards_of(child, indexes, shards.total, each)
    return f"pods of {named_shards(hit)} have failed"
