"""What a person wants to see of an input before it is processed."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from batchprocess.data.column_dataset import ColumnDataset
from batchprocess.data.concatenated import Concatenated
from batchprocess.data.row_dataset import RowDataset
from batchprocess.data.rows.packed_heads import packed_head, packed_whole
from batchprocess.data.rows.shown import cut, shown
from batchprocess.protocol.inputs.summary import (
    InputSummary,
    PackedHeads,
    SampleRow,
    UnreadableFile,
)

SAMPLE_ROWS = 3
MAX_FILES_LOOKED_AT, MAX_UNREADABLE, LOOK_SECONDS = 32, 8, 10.0
"""Files are looked into no longer than that: one that hangs ends it."""
_MAX_NAMES, _MAX_ERROR = 20, 300


class _Reader(NamedTuple):
    """A reader, and the number in the dataset of its first row."""

    first: int
    rows: RowDataset


def summary_of(
    dataset: Any,
    starts: Sequence[int],
    processes: int,
    clock: Callable[[], float] = time.monotonic,
) -> InputSummary | None:
    """None if no row comes from a reader of files.

    starts: the first row of each shard. processes: that read each of them.
    """
    readers = list(_readers(dataset, 0))
    if not readers:
        return None
    seen = _Seen()
    sample, bad = _sample(dataset, seen)
    looked, unreadable = _look(readers, clock() + LOOK_SECONDS, clock, seen)
    known = {one.file for one in bad}
    return InputSummary(
        files=sum(len(one.rows.index.objects) for one in readers),
        bytes=sum(one.rows.index.objects.about.bytes for one in readers),
        sample=tuple(sample),
        looked=looked,
        unreadable=(*bad, *(one for one in unreadable if one.file not in known)),
        empty=tuple(seen.empty(name for one in readers for name in one.rows.may_lack)),
        packed=_packed(readers, starts, processes),
    )


def _readers(dataset: Any, first: int) -> Iterator[_Reader]:
    if isinstance(dataset, RowDataset):
        yield _Reader(first, dataset)
    elif isinstance(dataset, Concatenated):
        ends = accumulate(map(len, dataset.readers), initial=first)
        for begin, one in zip(ends, dataset.readers, strict=False):
            yield from _readers(one, begin)


class _Seen:
    """Which columns have had a value, in the rows that were read."""

    def __init__(self) -> None:
        self._any = False
        self._names = set[str]()

    def add(self, row: Mapping[str, Any]) -> None:
        self._any = True
        self._names.update(name for name, value in row.items() if value is not None)

    def empty(self, asked: Iterable[str]) -> Iterator[str]:
        """Those of `asked` that have had none, a few, cut short."""
        found = [name for name in dict.fromkeys(asked) if self._any and name not in self._names]
        return (cut(name, 80) for name in found[:_MAX_NAMES])


def _sample(dataset: ColumnDataset, seen: _Seen) -> tuple[list[SampleRow], list[UnreadableFile]]:
    found: list[SampleRow] = []
    bad: dict[str, UnreadableFile] = {}
    for number in range(min(SAMPLE_ROWS, len(dataset))):
        try:
            (row,) = dataset.__getitems__([number])
            seen.add(row)
            (name,) = dataset.row_ids([number])
            found.append(SampleRow(row=number, id=cut(str(name)), text=shown(row)))
        except Exception as error:  # noqa: BLE001  of the user's `decode`, or of the file
            file = dataset.file_of(number)
            bad.setdefault(file, UnreadableFile(file=cut(file), error=_said(error)))
    return found, list(bad.values())


def _look(
    readers: Sequence[_Reader], until: float, clock: Callable[[], float], seen: _Seen
) -> tuple[int, list[UnreadableFile]]:
    """Into files from all parts of the input: how many, and which cannot be read."""
    total = sum(len(one.rows.index.objects) for one in readers)
    most = min(total, MAX_FILES_LOOKED_AT)
    looked, found = 0, list[UnreadableFile]()
    for number in sorted({at * total // most for at in range(most)}):
        if len(found) == MAX_UNREADABLE or clock() >= until:
            break
        reader, number_there = _file(readers, number)
        looked += 1
        if (error := _error_of(reader, number_there, seen)) is not None:
            found.append(error)
    return looked, found


def _file(readers: Sequence[_Reader], number: int) -> tuple[RowDataset, int]:
    """A file of all, in its reader."""
    for one in readers:
        if number < len(one.rows.index.objects):
            return one.rows, number
        number -= len(one.rows.index.objects)
    raise IndexError(number)


def _error_of(reader: RowDataset, number: int, seen: _Seen) -> UnreadableFile | None:
    row = reader.index.first_row(number)
    if row is None:
        return None
    try:
        seen.add(next(iter(reader.__getitems__([row]))))
    except Exception as error:  # noqa: BLE001  as above
        return UnreadableFile(file=cut(reader.file_of(row)), error=_said(error))
    return None


def _packed(
    readers: Sequence[_Reader], starts: Sequence[int], processes: int
) -> PackedHeads | None:
    unpacking = [one for one in readers if one.rows.unpacks]
    files = sum(packed_whole(one.rows.index) for one in unpacking)
    if not files:
        return None
    heads = [
        packed_head(one.rows.index, row - one.first)
        for one in unpacking
        for row in starts
        if 0 <= row - one.first < len(one.rows)
    ]
    return PackedHeads(files=files, most=max(heads, default=0), total=sum(heads) * processes)


def _said(error: BaseException) -> str:
    return cut(f"{type(error).__name__}: {error}", _MAX_ERROR)
