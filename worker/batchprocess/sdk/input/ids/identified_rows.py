"""Batches that come with their rows' ids, where these are read with the rows.

A dataset whose ids are a column of its files has them at hand where a batch is read. Asked
elsewhere it would read every row a second time, in the middle of the loop.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from batchprocess.sdk.input.named_rows import FailedRead, NamedRows
from batchprocess.sdk.input.skipping.partial_batch import PartialBatch

Know = Callable[[Sequence[int], Sequence[Any]], None]
"""Told the rows of the batch that comes next, and their ids."""


class Identified(NamedTuple):
    """A batch, or PartialBatch. A tuple, for the feed looks into those."""

    batch: Any
    rows: tuple[int, ...]
    ids: tuple[Any, ...]


def reads_ids(dataset: Any) -> bool:
    """Whether ids of its rows are known only from the rows themselves."""
    return getattr(dataset, "reads_ids", None) is True


class IdentifiedRows(NamedRows):
    """Makes whole batches of what `rows` gives and `collate` makes of it."""

    def __init__(self, rows: NamedRows, collate: Callable[[Any], Any]) -> None:
        super().__init__(rows.dataset)
        self._rows, self._collate = rows, collate

    def __getitems__(self, rows: Sequence[int]) -> Any:
        """An Identified, or a FailedRead."""
        batch = self._collate(self._rows.__getitems__(rows))
        if type(batch) is FailedRead:
            return batch
        left = batch.rows if type(batch) is PartialBatch else tuple(rows)
        try:
            return Identified(batch, left, tuple(self.dataset.row_ids(left)) if left else ())
        except BaseException as error:  # noqa: BLE001  raised by the feed
            return FailedRead(error)
