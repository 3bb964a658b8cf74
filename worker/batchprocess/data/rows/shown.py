"""A row of an input as one line for a person."""

import json
import reprlib
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from batchprocess.protocol.bad_rows.bad_row import clean

MAX_SAMPLE_TEXT = 400
_MAX_COLUMNS, _MAX_NAME = 20, 1_000


def shown(row: Mapping[str, Any]) -> str:
    """A row as JSON, short enough for a line, and without what a terminal should not be sent."""
    some = {cut(str(name), 80): _value(value) for name, value in list(row.items())[:_MAX_COLUMNS]}
    if len(row) > _MAX_COLUMNS:
        some["..."] = f"{len(row) - _MAX_COLUMNS} more"
    return cut(json.dumps(some, ensure_ascii=False, default=str), MAX_SAMPLE_TEXT)


def _value(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return cut(value, 80)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, date | time | timedelta | Decimal | UUID):
        return cut(str(value), 80)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"<{value.dtype} {tuple(value.shape)}>"
    if isinstance(value, int) and abs(value) < 2**64:
        return value
    if isinstance(value, int | list | tuple | dict):
        return cut(_SHORT.repr(value), 120)
    return f"<{type(value).__qualname__}>"


class _Short(reprlib.Repr):
    def repr_int(self, number: int, level: int) -> str:
        # Python refuses to write one of more than 4300 digits.
        bits = number.bit_length()
        return super().repr_int(number, level) if bits < 1000 else f"<integer of {bits} bits>"


_SHORT = _Short()
_SHORT.maxlevel = 3


def cut(text: str, most: int = _MAX_NAME) -> str:
    """At most so many characters, and none that a terminal should not be sent."""
    whole = clean(text[: most + 1])
    return whole if len(whole) <= most else whole[: most - 3] + "..."
