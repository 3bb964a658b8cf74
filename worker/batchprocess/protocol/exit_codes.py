"""Exit codes of a worker (docs/protocol.md, "Exit codes").

The agent alone decides a pod's exit code; the operator turns the same table into the
Job's podFailurePolicy. Kubernetes marks an index complete on exit 0, so 0 is reserved for
"every shard of this pod has a complete seal that was read back".
"""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """How an attempt, or a pod of several attempts, ended."""

    SEALED = 0
    OTHER = 1
    USAGE = 2
    STOPPED = 85
    STALLED = 86
    FENCED = 87
    STORAGE = 88
    USER_CODE = 90
    CANNOT_WORK = 91
    NO_PROGRESS = 92
    VERIFICATION = 93
    CLOSED = 94
    TOO_MANY_BAD_ROWS = 95


_BEFORE_SIGNALS = (
    ExitCode.CANNOT_WORK,
    ExitCode.TOO_MANY_BAD_ROWS,
    ExitCode.NO_PROGRESS,
    ExitCode.CLOSED,
    ExitCode.USER_CODE,
)
_AFTER_SIGNALS = (
    ExitCode.OTHER,
    ExitCode.STALLED,
    ExitCode.STORAGE,
    ExitCode.FENCED,
    ExitCode.STOPPED,
)

LEAVES_SIBLINGS_RUNNING = frozenset(
    {ExitCode.SEALED, ExitCode.USER_CODE, ExitCode.NO_PROGRESS, ExitCode.CLOSED}
)
"""A child that ends with one of these asks nothing of its siblings; any other stops them."""


def combine(codes: Iterable[int]) -> int:
    """The exit code of a pod whose children ended with `codes` (0 only if all are 0).

    Codes above 128 are deaths by signal; a code that the table does not name counts as 1.
    """
    seen = {code if _is_known(code) else int(ExitCode.OTHER) for code in codes}
    signals = sorted(code for code in seen if code > 128)
    order = [*_BEFORE_SIGNALS, *signals, *_AFTER_SIGNALS]
    return next((int(code) for code in order if code in seen), int(ExitCode.SEALED))


def _is_known(code: int) -> bool:
    return code > 128 or code == ExitCode.SEALED or code in (*_BEFORE_SIGNALS, *_AFTER_SIGNALS)
