"""What of a row fits on a line."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np

from batchprocess.data.rows.shown import MAX_SAMPLE_TEXT, shown


def test_a_row_is_shown_short_and_clean() -> None:
    row = {
        "text": "a" * 1000,
        "bytes": b"12345",
        "vector": np.zeros((2, 3), np.float32),
        "deep": [[[[[1]]]]],
        "huge": 10**5000,
        "none": None,
        "\x1b": object(),
    }
    found = shown(row)
    assert '"bytes": "<5 bytes>"' in found
    assert '"vector": "<float32 (2, 3)>"' in found
    assert "\x1b" not in found
    assert len(found) <= MAX_SAMPLE_TEXT
    assert "10 more" in shown({str(number): number for number in range(30)})


def test_times_and_decimals_are_shown_as_texts() -> None:
    row = {"at": datetime(2020, 1, 2, 3, tzinfo=UTC), "day": date(2020, 1, 2), "n": Decimal("1.10")}
    assert shown(row) == '{"at": "2020-01-02 03:00:00+00:00", "day": "2020-01-02", "n": "1.10"}'
