"""The dataset as the data loader reads it where bad rows are left out of their batch."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch.utils.data import default_collate

from batchprocess.sdk.input.named_rows import FailedRead, NamedRows
from batchprocess.sdk.input.shard_batches import begin_again
from batchprocess.sdk.input.skipping.partial_batch import PartialBatch
from batchprocess.sdk.input.skipping.suspect import Suspect, take_suspect
from batchprocess.sdk.report.row_errors import BadRead, all_alike, bad_read, is_of_row


class SkippingRows(NamedRows):
    """Makes whole batches, `collate` included: only who has the rows can say which one is bad."""

    def __init__(self, dataset: Any, collate: Callable[[Any], Any] | None) -> None:
        super().__init__(dataset)
        self._collate = default_collate if collate is None else collate

    def __getitems__(self, rows: Sequence[int]) -> Any:
        """A batch, a PartialBatch, or a FailedRead where no row is to blame."""
        reading = _Reading(self.dataset, self._collate)
        suspect = take_suspect()
        try:
            left = list(rows) if suspect is None else reading.survivors(list(rows), suspect)
            return reading.batch_of(left)
        except BaseException as error:  # noqa: BLE001  raised by the feed
            return FailedRead(error, reading.row)


class _Reading:
    """Of one batch. `row`: the one that is read alone, None where several are."""

    def __init__(self, dataset: Any, collate: Callable[[Any], Any]) -> None:
        self._dataset, self._collate = dataset, collate
        self.row: int | None = None
        self._bad: list[BadRead] = []

    def batch_of(self, rows: list[int]) -> Any:
        together = bool(getattr(self._dataset, "__getitems__", None))
        read = self._together if together else self._one_by_one
        good, items = read(rows) if rows else ([], [])
        batch, good = self._collated(good, items) if good else (None, good)
        if good and not self._bad:
            return batch
        bad = sorted(self._bad, key=lambda one: one.row)
        return PartialBatch(batch, tuple(good), tuple(bad))

    def survivors(self, rows: list[int], suspect: Suspect) -> list[int]:
        """Rows that kill nobody: a process before this one has died of their batch."""
        dead = {one.row: one.signal for one in suspect.dead}
        self._bad += [_killed(row, dead[row]) for row in rows if row in dead]
        left = [row for row in rows if row not in dead]
        together = bool(getattr(self._dataset, "__getitems__", None))
        for row in left:
            with suspect.alone(row), contextlib.suppress(Exception):  # told when it is read again
                begin_again()
                read = self._dataset.__getitems__([row]) if together else [self._dataset[row]]
                self._collate(read)
        begin_again()
        return left

    def _one_by_one(self, rows: list[int]) -> tuple[list[int], Any]:
        good, items = [], []
        for row in rows:
            self.row = row
            try:
                item = self._dataset[row]
            except Exception as error:  # noqa: BLE001  raised again if it is no row's
                self._blame(row, error, "reading")
            else:
                good.append(row)
                items.append(item)
        self.row = None
        return good, items

    def _together(self, rows: list[int]) -> tuple[list[int], Any]:
        """One by one would be a request a row; halves find the same rows by fewer."""
        try:
            return rows, self._read(rows)
        except Exception as error:
            _require_of_row(error)
            self._blame_among(rows, error)
            if not self._bad:
                raise
        return self._read_again(rows)

    def _read(self, rows: list[int]) -> Any:
        """Together. One that is left out in silence would have its neighbour's number and id."""
        items = self._dataset.__getitems__(rows)
        if type(items) is list and len(items) != len(rows):
            raise ValueError(
                f"the dataset's __getitems__ gave {len(items)} items for {len(rows)} rows: give "
                "one for each, and raise for one that cannot be read"
            )
        return items

    def _read_again(self, rows: list[int]) -> tuple[list[int], Any]:
        """Those that are not bad, together, as any batch is."""
        bad = {one.row for one in self._bad}
        good = [row for row in rows if row not in bad]
        begin_again()
        return good, self._read(good) if good else []

    def _blame_among(self, rows: list[int], error: Exception) -> None:
        """Rows that raise `error` when they are read together: those that raise alone are bad."""
        if len(rows) == 1:
            self._blame(rows[0], error, "reading")
            return
        for part in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
            begin_again()
            self.row = part[0] if len(part) == 1 else None
            try:
                self._read(part)
            except Exception as again:  # noqa: BLE001  the same
                _require_of_row(again)
                self._blame_among(part, again)
        self.row = None

    def _collated(self, rows: list[int], items: Any) -> tuple[Any, list[int]]:
        """What of `rows` can be collated."""
        try:
            return self._collate(items), rows
        except Exception as error:
            _require_of_row(error)
            wrong = {one.row: one for one in self._wrong_alone(rows, items)}
            if not wrong or (len(wrong) == len(rows) and all_alike([*wrong.values()])):
                raise
        self._bad += wrong.values()
        good = [row for row in rows if row not in wrong]
        if type(items) is list:
            items = [item for row, item in zip(rows, items, strict=True) if row not in wrong]
        elif good:
            good, items = self._read_again(good)
        return self._collate(items) if good else None, good

    def _wrong_alone(self, rows: list[int], items: Any) -> Iterator[BadRead]:
        for number, row in enumerate(rows):
            self.row = row
            kept = type(items) is list
            item = [items[number]] if kept else self._read([row])
            try:
                self._collate(item)
            except Exception as error:  # noqa: BLE001  the same
                _require_of_row(error)
                yield bad_read(error, row, "collating")
        self.row = None

    def _blame(self, row: int, error: Exception, stage: Any) -> None:
        _require_of_row(error)
        self._bad.append(bad_read(error, row, stage))


def _killed(row: int, signal: str) -> BadRead:
    return BadRead(row, "reading", signal, f"reading it ends a process by {signal}", "", "")


def _require_of_row(error: Exception) -> None:
    """Raise it again if no row is to blame for it."""
    if not is_of_row(error):
        raise error


def as_read(batch: Any) -> Any:
    """`collate_fn` of the loader: the batch is made already."""
    return batch
