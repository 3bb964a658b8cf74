"""Times that CSV cannot have: Arrow writes years above 9999 as a sentence, or as another year."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from batchprocess.protocol.errors import InvalidArgument

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400
_FIRST, _END = -62_135_596_800, 253_402_300_800
"""Seconds at which the year 1 begins, and the year 10000."""


def refuse_times_out_of_range(rows: pa.RecordBatch) -> None:
    """Raise InvalidArgument for the first one, with its row's id."""
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        kind = column.type
        if not (types.is_date(kind) or types.is_timestamp(kind) or types.is_time(kind)):
            continue
        numbers = column.view(pa.int32() if kind.bit_width == 32 else pa.int64())
        low, end = _range(kind)
        found = pc.min_max(numbers).as_py()
        for number in (found["min"], found["max"]):
            if number is not None and not low <= number < end:
                row = rows.column("id")[pc.index(numbers, number).as_py()].as_py()
                raise InvalidArgument(
                    f"column {name!r}, of type {kind}, has {number} in the row with id "
                    f"{row!r:.100}, which no text of a CSV says: write a .parquet"
                )


def _range(kind: Any) -> tuple[int, int]:
    if types.is_date32(kind):
        return _FIRST // _DAY, _END // _DAY
    each = _PER_SECOND["ms" if types.is_date64(kind) else kind.unit]
    return (0, _DAY * each) if types.is_time(kind) else (_FIRST * each, _END * each)
