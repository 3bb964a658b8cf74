"""What the rows of a reader are called in what a job writes of them."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from batchprocess.protocol.errors import InvalidArgument

RowId = str | int
MAX_ID = 2048
_MAX_INT = 2**63
_BATCHES = 32
"""As many as are read before the first of them is processed, and more."""


def check_id_column(column: str | None, columns: Sequence[str] | None) -> None:
    """Raise InvalidArgument if it is not among the columns that are read."""
    if column is None:
        return
    if not isinstance(column, str) or not column:
        raise InvalidArgument(f"id {column!r} must be the name of a column")
    if columns is not None and column not in columns:
        raise InvalidArgument(
            f"id {column!r} is not among columns {', '.join(columns)[:500]}: name it there too"
        )


def checked_ids(
    values: Sequence[Any], column: str, places: Callable[[], Sequence[str]]
) -> list[RowId]:
    """The rows' values of that column; ValueError says what has one that names no row.

    places: what the rows are called in errors.
    """
    for row, value in enumerate(values):
        if not _is_id(value):
            raise ValueError(
                f"{places()[row]} has {value!r:.100} ({type(value).__name__}) as {column!r}, which "
                f"is to be its id: a text of 1 to {MAX_ID} characters, or an integer of 64 bits"
            )
    return list(values)


def _is_id(value: Any) -> bool:
    if type(value) is int:
        return -_MAX_INT <= value < _MAX_INT
    return type(value) is str and 0 < len(value) <= MAX_ID and _is_unicode(value)


def _is_unicode(text: str) -> bool:
    """JSON can write half of a character, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class KnownIds:
    """Of the batches that were read last; a copy in another process knows none."""

    def __init__(self) -> None:
        self._batches: deque[tuple[list[int], list[RowId]]] = deque(maxlen=_BATCHES)

    def __reduce__(self) -> tuple[Any, ...]:
        return KnownIds, ()

    def add(self, rows: Sequence[int], ids: list[RowId]) -> None:
        """Of these rows."""
        self._batches.append((list(rows), ids))

    def get(self, rows: Sequence[int]) -> list[RowId] | None:
        """Of these rows, if they were read together not long ago."""
        wanted = list(rows)
        return next((list(ids) for known, ids in tuple(self._batches) if known == wanted), None)
