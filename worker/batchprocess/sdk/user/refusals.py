"""Errors that the context raises in user code, told from those that user code raises itself."""

from batchprocess.sdk.report.os_errors import chain_of

_ATTRIBUTE = "_batchprocess_refused"


def refused(error: Exception) -> Exception:
    """`error`, marked as ours: what is wrong is the call, not a row."""
    error.__dict__[_ATTRIBUTE] = True
    return error


def is_refusal(error: BaseException) -> bool:
    """Whether it is one of ours, or was raised because of one."""
    return any(_ATTRIBUTE in one.__dict__ for one in (error, *chain_of(error)))
