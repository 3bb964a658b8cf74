"""The columns that a reader is asked for."""

from collections import Counter
from collections.abc import Sequence

from batchprocess.protocol.errors import InvalidArgument


def asked_columns(columns: Sequence[str] | None, kind: str = "names") -> tuple[str, ...] | None:
    """As a tuple, None for all; InvalidArgument unless they are different texts, one at least.

    kind: what columns are called by in errors.
    """
    if columns is None:
        return None
    if isinstance(columns, str) or not len(columns):
        raise InvalidArgument(f"columns {columns!r} must be a list of {kind}, of at least one")
    for name, times in Counter(columns).items():
        if not isinstance(name, str):
            raise InvalidArgument(f"columns has {name!r:.100}, which is no text")
        if times > 1:
            raise InvalidArgument(f"columns has {name!r:.100} twice: a row has it once")
    return tuple(columns)
