"""Several readers as one dataset."""

import hashlib
import json
import operator
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, SupportsIndex

from batchprocess.data.column_dataset import ColumnDataset
from batchprocess.data.index.progress import Tell, tell_nobody
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.rows.arrow_rows import ArrowRows, join_tables
from batchprocess.data.rows.row_ids import RowId
from batchprocess.data.rows.row_numbers import row_numbers, runs
from batchprocess.protocol.errors import InvalidArgument


def concat(*readers: ColumnDataset) -> "Concatenated":
    """The rows of the first reader, then those of the second, and so on.

    Ids stay those that each reader gives. Raises InvalidArgument for what is no reader of
    `batchprocess.data`: for other datasets there is `torch.utils.data.ConcatDataset`.
    """
    if not readers:
        raise InvalidArgument("concat needs at least one reader")
    for number, one in enumerate(readers):
        if not isinstance(one, ColumnDataset):
            raise InvalidArgument(
                f"concat: argument {number + 1} is a {type(one).__qualname__}, and no reader of "
                "batchprocess.data: use torch.utils.data.ConcatDataset"
            )
    return Concatenated(readers)


class Concatenated(ColumnDataset):
    """Rows of several readers, one after the other."""

    def __init__(self, readers: Sequence[ColumnDataset]) -> None:
        self._readers: Final = tuple(readers)
        self._known_ends: list[int] | None = None

    def take_listing_of(self, run: str) -> None:
        """Each of them does."""
        for one in self._readers:
            one.take_listing_of(run)

    def prepare_in_run(self, run: RunOfInput, tell: Tell = tell_nobody) -> bool:
        """Each of them does."""
        self._known_ends = None
        probed = [one.prepare_in_run(run, tell) for one in self._readers]
        return any(probed)

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, row: SupportsIndex) -> dict[str, Any]:
        (found,) = self.__getitems__([operator.index(row)])
        return found

    def __getitems__(self, rows: Sequence[int]) -> Sequence[dict[str, Any]]:
        """Rows of one reader that follow one another are read together."""
        found = [reader.__getitems__(some) for reader, some in self._parts(rows)]
        if len(found) == 1:
            return found[0]
        tables = [some.table for some in found if isinstance(some, ArrowRows)]
        if found and len(tables) == len(found):
            return ArrowRows(join_tables(tables))
        return [row for some in found for row in some]

    def row_ids(self, rows: Sequence[int]) -> list[RowId]:
        """As the readers that the rows are of call them."""
        return [name for reader, some in self._parts(rows) for name in reader.row_ids(some)]

    def file_of(self, row: int) -> str:
        """As the reader that the row is of says it."""
        ((reader, some),) = self._parts([row])
        return reader.file_of(some[0])

    @property
    def readers(self) -> tuple[ColumnDataset, ...]:
        """In order."""
        return self._readers

    def fingerprint(self, of_readers: Sequence[str | None] = ()) -> str:
        """Of all readers' and their order. of_readers: as if theirs were these; None: their own."""
        found: list[str | None] = []
        for number, one in enumerate(self._readers):
            if number < len(of_readers) and of_readers[number] is not None:
                found.append(of_readers[number])
                continue
            own = getattr(one, "fingerprint", None)
            found.append(own() if callable(own) else getattr(one, "_fingerprint", None))
        return hashlib.sha256(json.dumps(["concat", found]).encode()).hexdigest()

    @property
    def _ends(self) -> list[int]:
        if self._known_ends is None:
            self._known_ends = list(accumulate(map(len, self._readers)))
        return self._known_ends

    def _parts(self, rows: Sequence[int]) -> Iterator[tuple[ColumnDataset, list[int]]]:
        """Readers, and the numbers in there, that together are these rows, in order."""
        whose: ColumnDataset | None = None
        some: list[int] = []
        for first, end in runs(row_numbers(rows, len(self))):
            at = first
            while at < end:
                number = bisect_right(self._ends, at)
                begin = self._ends[number - 1] if number else 0
                stop = min(end, self._ends[number])
                if whose is not self._readers[number] and whose is not None:
                    yield whose, some
                    some = []
                whose = self._readers[number]
                some += range(at - begin, stop - begin)
                at = stop
        if whose is not None:
            yield whose, some
