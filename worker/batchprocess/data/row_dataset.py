"""What all readers have in common: rows by number, in any process, as they were listed."""

import operator
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, SupportsIndex

from batchprocess.data.column_dataset import ColumnDataset
from batchprocess.data.index.folder import Index, Place
from batchprocess.data.index.progress import Tell, tell_nobody
from batchprocess.data.index.wanted import Wanted
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.listing.object_list import ObjectList
from batchprocess.data.rows.opened import OpenedObjects
from batchprocess.data.rows.own_lock import OwnLock
from batchprocess.data.rows.part import Part
from batchprocess.data.rows.row_ids import KnownIds, RowId, checked_ids
from batchprocess.data.rows.row_numbers import row_numbers, runs
from batchprocess.protocol.errors import InvalidArgument

Row = dict[str, Any]


class RowDataset(ColumnDataset):
    """A map-style dataset over objects that are listed and counted once, when first asked.

    Copies in other processes (forked or pickled, after that) read the same listing, by clients of
    their own. Errors: InvalidArgument, InputChanged, StorageError; ValueError names a bad row.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._opened = OpenedObjects(wanted)
        self._known_ids = KnownIds()
        self._lock = OwnLock()

    def __getstate__(self) -> dict[str, Any]:
        """Without what a process opens for itself, where a reader has such."""
        return self.__dict__.copy()

    def leave_out_listed(self, run: str) -> None:
        """Of the files only those that the run at this address, and those it came from, have not
        listed. To be called before anything is asked of the rows.
        """
        self._opened.wanted = self._wanted.model_copy(update={"new_since": run})

    def take_listing_of(self, run: str) -> None:
        """Rows are to be numbered as in the run at this address, whatever has come since."""
        self._opened.wanted = self._wanted.model_copy(update={"listing_of": run})

    def prepare_in_run(self, run: RunOfInput, tell: Tell = tell_nobody) -> bool:
        """Know the rows as the run does: by its listing, which this makes if there is none yet.

        tell: is told how many bytes were looked through, and of how many.

        Raises as `__len__`, what the probe of a new run's storage finds, and ShardSealed.
        """
        self._opened.prepare(run, tell)
        return True

    @property
    def listed(self) -> tuple[str, ObjectList]:
        """The source's name in a run, and its objects."""
        return self._wanted.source, self._index.objects

    @property
    def index(self) -> Index:
        """Where the rows stand, to be looked at."""
        return self._index

    @property
    def may_lack(self) -> tuple[str, ...]:
        """Columns that were asked for by name, where a row without one has None in its place."""
        free = self._wanted.rows in ("lines that are not blank", "tar")
        return self._wanted.columns or () if free else ()

    @property
    def unpacks(self) -> bool:
        """Whether rows stand in what packed objects become."""
        return self._wanted.unpacks

    def __len__(self) -> int:
        return self._index.rows

    def __getitem__(self, row: SupportsIndex) -> Row:
        (found,) = self.__getitems__([operator.index(row)])
        return found

    def __getitems__(self, rows: Sequence[int]) -> Sequence[Row]:
        """Rows that follow one another are read together."""
        with self._lock:
            found = self._read(rows)
        if self._wanted.id is not None:
            self._known_ids.add(rows, self._ids_in(rows, found, self._wanted.id))
        return found

    def row_ids(self, rows: Sequence[int]) -> list[RowId]:
        """What these rows are called: `key:number`, or what the column `id` has.

        Of the rows that this process has read last nothing is read again. A row that cannot be
        read, or has no value that can be an id, is called `key:number`.
        """
        if self._wanted.id is None:
            return [self._name(part, number) for part, number in self._each(rows)]
        known = self._known_ids.get(rows)
        if known is not None:
            return known
        try:
            with self._lock:
                found = self._read_for_ids(rows)
            return self._ids_in(rows, found, self._wanted.id)
        except InvalidArgument:
            raise
        except ValueError:
            if len(rows) == 1:
                return [self._name(part, number) for part, number in self._each(rows)]
            return [self.row_ids([row])[0] for row in rows]

    @property
    def reads_ids(self) -> bool:
        """Whether `row_ids` has to read the rows: they are then best asked for where these are."""
        return self._wanted.id is not None

    def file_of(self, row: int) -> str:
        """The address of the file or object that a row comes from."""
        return next(self._parts([row])).name

    def fingerprint(self, of_listing: str | None = None) -> str:
        """Of all keys, sizes and ETags, and of what a row is: other columns are other rows, other
        ids too. of_listing: as if it were that of the objects.
        """
        return self._wanted.fingerprint(of_listing or self._index.fingerprint)

    def _read(self, rows: Sequence[int]) -> Sequence[Row]:
        return [row for part in self._parts(rows) for row in self._rows_of(part)]

    def _read_for_ids(self, rows: Sequence[int]) -> Sequence[Row]:
        """Rows that have the column `id`, and may be without the others."""
        return self._read(rows)

    def _ids_in(self, rows: Sequence[int], found: Any, column: str) -> list[RowId]:
        def places() -> list[str]:
            return [f"{part.name}: row {number}" for part, number in self._each(rows)]

        return checked_ids(self._values(found, column), column, places)

    def _values(self, found: Any, column: str) -> list[Any]:
        """Of a column, in rows as `_read` gives them."""
        return [row.get(column) for row in found]

    def _each(self, rows: Sequence[int]) -> Iterator[tuple[Part, int]]:
        """Each row's part and its number in its object."""
        for part in self._parts(rows):
            for number in range(part.first, part.end):
                yield part, number

    def _name(self, part: Part, number: int) -> str:
        """Of a row, among all; a key alone may be that of two objects, in two places."""
        return f"{part.object.key if len(self._index.roots) == 1 else part.name}:{number}"

    def _parts(self, rows: Sequence[int]) -> Iterator[Part]:
        """The parts of objects that together are these rows."""
        for first, end in runs(row_numbers(rows, len(self))):
            at = first
            while at < end:
                part = self._part(at, end)
                yield part
                at += part.end - part.first

    def _part(self, row: int, end: int) -> Part:
        place = self._index.place(row)
        root, one = self._index.object(place.object)
        most = self._read_together(place, place.row + end - row)
        return Part(place.block, place.object, root, one, place.row, most)

    def _read_together(self, place: Place, end: int) -> int:
        """Up to which row of its object, at most `end`, rows are read together with this one."""
        return min(end, place.end)

    @abstractmethod
    def _rows_of(self, part: Part) -> Sequence[Row]:
        """All of them."""

    def _bytes(self, part: Part, start: int, stop: int) -> bytes:
        """Of what it becomes, if it is packed and rows stand in that."""
        return self._opened.read(part, start, stop)

    @property
    def _wanted(self) -> Wanted:
        return self._opened.wanted

    @property
    def _index(self) -> Index:
        return self._opened.index
