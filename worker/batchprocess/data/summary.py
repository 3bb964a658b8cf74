"""What a person wants to see of an input before it is processed."""

import json
import reprlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from batchprocess.data.column_dataset import ColumnDataset
from batchprocess.data.concatenated import Concatenated
from batchprocess.data.row_dataset import RowDataset
from batchprocess.protocol.bad_rows.bad_row import clean
from batchprocess.protocol.inputs.summary import (
    InputSummary,
    PackedHeads,
    SampleRow,
    UnreadableFile,
)

SAMPLE_ROWS, MAX_SAMPLE_TEXT = 3, 400
MAX_FILES_LOOKED_AT, MAX_UNREADABLE, LOOK_SECONDS = 32, 8, 10.0
"""Files are looked into no longer than that: one that hangs ends it."""
_MAX_COLUMNS, _MAX_NAME, _MAX_ERROR = 20, 1_000, 300


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
    sample, bad = _sample(dataset)
    looked, unreadable = _look(readers, clock() + LOOK_SECONDS, clock)
    known = {one.file for one in bad}
    return InputSummary(
        files=sum(len(one.rows.index.objects) for one in readers),
        bytes=sum(one.rows.index.objects.about.bytes for one in readers),
        sample=tuple(sample),
        looked=looked,
        unreadable=(*bad, *(one for one in unreadable if one.file not in known)),
        packed=_packed(readers, starts, processes),
    )


def _readers(dataset: Any, first: int) -> Iterator[_Reader]:
    if isinstance(dataset, RowDataset):
        yield _Reader(first, dataset)
    elif isinstance(dataset, Concatenated):
        ends = accumulate(map(len, dataset.readers), initial=first)
        for begin, one in zip(ends, dataset.readers, strict=False):
            yield from _readers(one, begin)


def _sample(dataset: ColumnDataset) -> tuple[list[SampleRow], list[UnreadableFile]]:
    found: list[SampleRow] = []
    bad: dict[str, UnreadableFile] = {}
    for number in range(min(SAMPLE_ROWS, len(dataset))):
        try:
            (row,) = dataset.__getitems__([number])
            (name,) = dataset.row_ids([number])
            found.append(SampleRow(row=number, id=_cut(str(name)), text=shown(row)))
        except Exception as error:  # noqa: BLE001  of the user's `decode`, or of the file
            file = dataset.file_of(number)
            bad.setdefault(file, UnreadableFile(file=_cut(file), error=_said(error)))
    return found, list(bad.values())


def _look(
    readers: Sequence[_Reader], until: float, clock: Callable[[], float]
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
        if (error := _error_of(reader, number_there)) is not None:
            found.append(error)
    return looked, found


def _file(readers: Sequence[_Reader], number: int) -> tuple[RowDataset, int]:
    """A file of all, in its reader."""
    for one in readers:
        if number < len(one.rows.index.objects):
            return one.rows, number
        number -= len(one.rows.index.objects)
    raise IndexError(number)


def _error_of(reader: RowDataset, number: int) -> UnreadableFile | None:
    if not reader.index.rows_in(number):
        return None
    row = reader.index.first_row(number)
    try:
        reader.__getitems__([row])
    except Exception as error:  # noqa: BLE001  as above
        return UnreadableFile(file=_cut(reader.file_of(row)), error=_said(error))
    return None


def _packed(
    readers: Sequence[_Reader], starts: Sequence[int], processes: int
) -> PackedHeads | None:
    files = sum(one.rows.packed_whole() for one in readers)
    if not files:
        return None
    heads = [
        one.rows.head(row - one.first)
        for one in readers
        for row in starts
        if 0 <= row - one.first < len(one.rows)
    ]
    return PackedHeads(files=files, most=max(heads, default=0), total=sum(heads) * processes)


def shown(row: Mapping[str, Any]) -> str:
    """A row as JSON, short enough for a line, and without what a terminal should not be sent."""
    some = {_cut(str(name), 80): _value(value) for name, value in list(row.items())[:_MAX_COLUMNS]}
    if len(row) > _MAX_COLUMNS:
        some["..."] = f"{len(row) - _MAX_COLUMNS} more"
    return _cut(json.dumps(some, ensure_ascii=False, default=str), MAX_SAMPLE_TEXT)


def _value(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return _cut(value, 80)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"<{value.dtype} {tuple(value.shape)}>"
    if isinstance(value, int) and abs(value) < 2**64:
        return value
    if isinstance(value, int | list | tuple | dict):
        return _cut(_SHORT.repr(value), 120)
    return f"<{type(value).__qualname__}>"


class _Short(reprlib.Repr):
    def repr_int(self, number: int, level: int) -> str:
        # Python refuses to write one of more than 4300 digits.
        bits = number.bit_length()
        return super().repr_int(number, level) if bits < 1000 else f"<integer of {bits} bits>"


_SHORT = _Short()
_SHORT.maxlevel = 3


def _cut(text: str, most: int = _MAX_NAME) -> str:
    whole = clean(text[: most + 1])
    return whole if len(whole) <= most else whole[: most - 3] + "..."


def _said(error: BaseException) -> str:
    return _cut(f"{type(error).__name__}: {error}", _MAX_ERROR)
