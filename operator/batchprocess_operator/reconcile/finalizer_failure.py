"""Why a job has failed by its finalizer. Pure."""

from batchprocess.protocol.exit_codes import ExitCode
from batchprocess_operator.model.job import Job
from batchprocess_operator.model.observed import ChildJob, Observed, Reason, message_of_exit
from batchprocess_operator.model.words import sentence
from batchprocess_operator.status.standing_causes import standing_causes


def finalizer_failure(job: Job, observed: Observed, child: ChildJob) -> Reason:
    """What is told of a finalizer Job that has failed, also where its pods are gone."""
    verification = message_of_exit(observed, child, int(ExitCode.VERIFICATION))
    if verification:
        return Reason("VerificationFailed", verification)
    too_many = message_of_exit(observed, child, int(ExitCode.TOO_MANY_BAD_ROWS))
    if too_many:
        return Reason("TooManyBadRows", too_many)
    causes = standing_causes(job, observed, child)
    if child.failure is not None and child.failure.reason == "DeadlineExceeded":
        return Reason("FinalizerDeadlineExceeded", sentence(causes, _late(child)))
    cannot_work = message_of_exit(observed, child, int(ExitCode.CANNOT_WORK))
    ended = child.failure.message if child.failure is not None else ""
    return Reason("FinalizerFailed", cannot_work or sentence(causes, ended))


def _late(child: ChildJob) -> str:
    return (
        f"the finalizer had not ended {child.deadline} s after it began "
        "(spec.finalizer.activeDeadlineSeconds): spec.finalizer may be changed, and spec.retry "
        "begins another"
    )
