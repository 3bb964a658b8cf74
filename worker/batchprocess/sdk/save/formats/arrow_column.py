"""One column of one batch as Parquet will have it, made in the call of `context.save`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batchprocess.sdk.save.formats.arrow_types import (
    MAX_LEVELS,
    Bounds,
    NoCommonType,
    bounds_of,
    example_at,
    levels_of,
    wider,
)
from batchprocess.sdk.save.formats.arrow_values import array_of


@dataclass(frozen=True)
class ArrowType:
    """What a file has in one column so far."""

    type: Any
    bounds: Bounds

    def __str__(self) -> str:
        return str(self.type)


@dataclass(frozen=True)
class ArrowColumn:
    """Nobody changes it any more, so it is its own snapshot."""

    key: str
    array: Any

    def __len__(self) -> int:
        return len(self.array)

    def __str__(self) -> str:
        return str(self.array.type)

    @property
    def nbytes(self) -> int:
        """Its size."""
        return int(self.array.nbytes)

    def wait(self) -> Any:
        """The array, which is here."""
        return self.array

    def joined(self, known: ArrowType | None) -> ArrowType:
        """The type of what is known and of this; TypeError names both, the place and a value."""
        place, kind = (self.key,), self.array.type
        bounds = dict(bounds_of(place, self.array))
        if known is None:
            return ArrowType(kind, bounds)
        for at, (low, high) in known.bounds.items():
            least, most = bounds.get(at, (low, high))
            bounds[at] = min(low, least), max(high, most)
        try:
            return ArrowType(wider(place, known.type, kind, bounds), bounds)
        except NoCommonType as error:
            raise TypeError(
                f"{error}, and no type holds all of it exactly (a value is "
                f"{example_at(error.place, self.array)}): give every row one type, save it under "
                "another name, or as .jsonl"
            ) from None


def column_of(key: str, values: Sequence[Any]) -> ArrowColumn:
    """Plain values (see `plain_values.plain`) as a column.

    TypeError or ValueError names the place in it and the value that does not fit the others.
    """
    return _checked(key, array_of((key,), values))


def column_of_array(key: str, array: Any) -> ArrowColumn:
    """A copy of a user's array; TypeError if Parquet has no such type."""
    if (reason := _unwritable(array.type)) is not None:
        raise TypeError(f"column {key!r} is of Arrow's type {array.type}: {reason}")
    # Its memory may be that of an array of numpy, which the caller may change.
    return _checked(key, pa.concat_arrays([array, array.slice(0, 0)]))


@cache
def _unwritable(kind: Any) -> str | None:
    if _has_lists_of_nothing(kind):
        return "a file of lists with a fixed length of 0 cannot be read again; cast it to pa.list_"
    try:
        pq.write_table(pa.schema([("x", kind)]).empty_table(), pa.BufferOutputStream())
    except (ValueError, TypeError, NotImplementedError) as error:
        return f"{error}; cast it to a type that Parquet has"
    return None


def _has_lists_of_nothing(kind: Any) -> bool:
    if pa.types.is_fixed_size_list(kind) and not kind.list_size:
        return True
    inner = range(kind.num_fields if pa.types.is_nested(kind) else 0)
    return any(_has_lists_of_nothing(kind.field(number).type) for number in inner)


def _checked(key: str, array: Any) -> ArrowColumn:
    """The array as a column; ValueError if nobody could read the file again."""
    if (levels := levels_of(array.type)) > MAX_LEVELS:
        raise ValueError(
            f"column {key!r} is nested too deep: {levels} levels of Parquet, where a list counts "
            f"two, and at most {MAX_LEVELS} can be read again; save it as .jsonl"
        )
    return ArrowColumn(key, array)
