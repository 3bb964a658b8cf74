"""What a dataset calls its rows: their ids, and the files that they come from."""

import inspect
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from batchprocess.protocol.bad_rows import BadRow
from batchprocess.sdk.report.row_errors import BadRead, is_of_row


class RowNames:
    """Of a dataset with a method `row_ids(rows)`, one id for each; of others nothing is known."""

    def __init__(self, dataset: Any, *, of_many_batches: bool = False) -> None:
        self._ask: Callable[[Sequence[int]], Sequence[Any]] | None = _method(dataset, "row_ids")
        self._file = _method(dataset, "file_of")
        self._known: dict[int, Any] = {}
        self._keeps = of_many_batches
        self._lock = threading.Lock()  # one thread reads, and another ends batches

    def know(self, rows: Sequence[int], ids: Sequence[Any]) -> None:
        """The ids of the batch that comes next: the dataset need not be asked for them.

        Of many batches that are under way, until they are forgotten.
        """
        known = dict(zip(rows, ids, strict=True))
        with self._lock:
            self._known = self._known | known if self._keeps else known

    def forget(self, rows: Sequence[int]) -> None:
        """A batch is no longer under way."""
        with self._lock:
            if self._known:
                gone = set(rows)
                self._known = {row: found for row, found in self._known.items() if row not in gone}

    @property
    def row_ids(self) -> Callable[[Sequence[int]], Sequence[Any]] | None:
        """What gives the ids of rows; None if they have none but their numbers."""
        return None if self._ask is None else self._ids_of

    def _ids_of(self, rows: Sequence[int]) -> Sequence[Any]:
        known = self._known
        if all(row in known for row in rows):
            return [known[row] for row in rows]
        return [] if self._ask is None else self._ask(rows)

    def id_of(self, row: int) -> Any:
        """None if nobody says, or if it is part of what cannot be read."""
        return None if self._ask is None else _asked(lambda: self._ids_of([row])[0])

    def bad_row(self, bad: BadRead, batch: int) -> BadRow:
        """What is kept of a row of a batch of the shard."""
        return BadRow(
            row=bad.row,
            id=self.id_of(bad.row),
            file=self.file_of(bad.row),
            batch=batch,
            stage=bad.stage,
            type=bad.kind,
            message=bad.message,
            traceback=bad.traceback,
        )

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
