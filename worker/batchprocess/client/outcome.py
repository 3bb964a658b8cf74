"""How a job has ended, and as which exit code `batchprocess run` would tell that. Pure."""

from collections.abc import Mapping

from batchprocess.api.status import Condition, Status
from batchprocess.protocol.exit_codes import ExitCode

SUCCEEDED = ("Complete", "CompleteWithFailures")
FINAL = (*SUCCEEDED, "Failed")
_BY_END: Mapping[str, int] = {
    "CannotWork": ExitCode.CANNOT_WORK,
    "InvalidSpec": ExitCode.CANNOT_WORK,
    "JobRejected": ExitCode.CANNOT_WORK,
    "StartDeadlineExceeded": ExitCode.STALLED,
    "TooManyBadRows": ExitCode.TOO_MANY_BAD_ROWS,
    "VerificationFailed": ExitCode.VERIFICATION,
}
"""By the reason of Failed."""
_BY_PODS: Mapping[str, int] = {
    "NoProgress": ExitCode.NO_PROGRESS,
    "OOMKilled": 137,
    "PodStalled": ExitCode.STALLED,
    "ShardClosed": ExitCode.CLOSED,
    "StorageFailed": ExitCode.STORAGE,
    "UserCodeRaised": ExitCode.USER_CODE,
}
"""Of a job whose shards have failed, by the reason of PodsFailed: the most telling of its pods."""


def condition(status: Status, kind: str) -> Condition | None:
    """The condition of this type, if the status has one."""
    return next((one for one in status.conditions if one.type == kind), None)


def has_ended(status: Status, retry: int) -> bool:
    """Whether a job whose spec.retry is `retry` is at its end, and not about to be tried again."""
    if status.state not in FINAL or status.completion_time is None:
        return False
    return status.retry >= retry or status.state in SUCCEEDED


def exit_code(status: Status) -> int:
    """Of a job that has ended: 0 for both kinds of Complete, else what its failure would be."""
    if status.state in SUCCEEDED:
        return ExitCode.SEALED
    failed, pods = condition(status, "Failed"), condition(status, "PodsFailed")
    reason = "" if failed is None else failed.reason
    if reason in _BY_END:
        return _BY_END[reason]
    return _BY_PODS.get("" if pods is None else pods.reason, ExitCode.OTHER)


def why(status: Status) -> str:
    """The sentence of a job that has failed."""
    failed = condition(status, "Failed")
    if failed is None:
        return "no cause is known"
    return f"{failed.reason}: {failed.message}" if failed.message else failed.reason
