"""Why a job has failed by its workers. Pure."""

from batchprocess.protocol.exit_codes import ExitCode
from batchprocess_operator.model.index_ranges import format_ranges
from batchprocess_operator.model.job import Job
from batchprocess_operator.model.observed import ChildJob, Observed, Reason, message_of_exit
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.status.pods_failed import last_message

_MAX_NAMED = 3


def worker_failure(job: Job, observed: Observed, shards: Shards, child: ChildJob) -> Reason | None:
    """Why the job has failed by its workers; None also where failed shards are tolerated."""
    tolerated = job.body.spec.failure_policy.max_failed_shards
    ended = child.failure
    some_failed = Reason("ShardsFailed", _failed_sentence(shards, observed, child))
    if tolerated is not None and len(shards.failed) > tolerated:
        return some_failed
    if ended is None:
        return None
    if ended.reason == "FailedIndexes":
        # A pod that was killed after its seal leaves a failed index, and no failed shard.
        return some_failed if tolerated is None and shards.failed else None
    if ended.reason == "MaxFailedIndexesExceeded":
        return some_failed
    if ended.reason == "PodFailurePolicy":
        message = message_of_exit(observed, child, int(ExitCode.CANNOT_WORK))
        return Reason("CannotWork", message or ended.message)
    return ended


def _failed_sentence(shards: Shards, observed: Observed, child: ChildJob) -> str:
    ended = [pod for pod in observed.pods_of(child) if pod.index in child.failed_indexes]
    messages = dict.fromkeys(text for pod in ended if (text := last_message(pod)))
    why = "".join(f"; {text}" for text in list(messages)[-_MAX_NAMED:])
    return f"failed shards: {format_ranges(shards.failed)}{why}"
