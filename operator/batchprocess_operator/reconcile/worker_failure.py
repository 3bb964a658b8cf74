"""Why a job has failed by its workers. Pure."""

from batchprocess.protocol.exit_codes import ExitCode
from batchprocess_operator.model.job import Job
from batchprocess_operator.model.observed import ChildJob, Observed, Reason, message_of_exit
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.status.standing_causes import failed_sentence, with_causes


def worker_failure(job: Job, observed: Observed, shards: Shards, child: ChildJob) -> Reason | None:
    """Why the job has failed by its workers; None also where failed shards are tolerated."""
    tolerated = job.body.spec.failure_policy.max_failed_shards
    ended = child.failure
    if tolerated is not None and len(shards.failed) > tolerated:
        return _some_failed(observed, shards, child)
    if ended is None:
        return None
    if ended.reason == "FailedIndexes":
        # A pod that was killed after its seal leaves a failed index, and no failed shard.
        given_up = tolerated is None and shards.failed
        return _some_failed(observed, shards, child) if given_up else None
    if ended.reason == "MaxFailedIndexesExceeded":
        return _some_failed(observed, shards, child)
    if ended.reason == "PodFailurePolicy":
        too_many = message_of_exit(observed, child, int(ExitCode.TOO_MANY_BAD_ROWS))
        if too_many:
            return Reason("TooManyBadRows", too_many)
        message = message_of_exit(observed, child, int(ExitCode.CANNOT_WORK))
        return Reason("CannotWork", message or ended.message)
    return Reason(ended.reason, with_causes(ended.message, job, observed, child))


def _some_failed(observed: Observed, shards: Shards, child: ChildJob) -> Reason:
    return Reason("ShardsFailed", failed_sentence(observed, shards, child))
