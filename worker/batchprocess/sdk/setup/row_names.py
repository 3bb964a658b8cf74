"""What a dataset calls its rows: their ids, and the files that they come from."""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from batchprocess.sdk.report.row_errors import is_of_row


class RowNames:
    """Of a dataset with a method `row_ids(rows)`, one id for each; of others nothing is known."""

    def __init__(self, dataset: Any) -> None:
        self._ask: Callable[[Sequence[int]], Sequence[Any]] | None = _method(dataset, "row_ids")
        self._file = _method(dataset, "file_of")
        self._rows: Sequence[int] = ()
        self._ids: Sequence[Any] = ()

    def know(self, rows: Sequence[int], ids: Sequence[Any]) -> None:
        """The ids of the batch that comes next: the dataset need not be asked for them."""
        self._rows, self._ids = rows, ids

    @property
    def row_ids(self) -> Callable[[Sequence[int]], Sequence[Any]] | None:
        """What gives the ids of rows; None if they have none but their numbers."""
        return None if self._ask is None else self._ids_of

    def _ids_of(self, rows: Sequence[int]) -> Sequence[Any]:
        known = dict(zip(self._rows, self._ids, strict=True))
        if all(row in known for row in rows):
            return [known[row] for row in rows]
        return [] if self._ask is None else self._ask(rows)

    def id_of(self, row: int) -> Any:
        """None if nobody says, or if it is part of what cannot be read."""
        return None if self._ask is None else _asked(lambda: self._ids_of([row])[0])

    def file_of(self, row: int) -> str | None:
        """Where the row comes from; None if nobody says."""
        ask = self._file
        return None if ask is None else _asked(lambda: str(ask(row)))


def _method(dataset: Any, name: str) -> Callable[..., Any] | None:
    """What takes one argument; anything else of that name means another thing."""
    found = getattr(dataset, name, None)
    if not callable(found):
        return None
    try:
        inspect.signature(found).bind(())
    except (TypeError, ValueError):
        return None
    return partial(found)


def _asked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception as error:
        if is_of_row(error):
            return None
        raise
