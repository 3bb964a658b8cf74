"""Times that nothing depends on are read without an error."""

from datetime import UTC, datetime

import pytest

from batchprocess.protocol.run import parse_time

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T12:00:00Z",
        "2026-01-01T13:00:00+01:00",
        "2026-01-01T12:00:00",
        "2026-01-01 12:00:00.000",
    ],
)
def test_a_time_without_an_offset_is_one_of_utc(text):
    assert parse_time(text) == NOON


@pytest.mark.parametrize("text", ["", "yesterday", "0001-01-01T00:00:00+23:59", "2026-13-01"])
def test_what_is_no_time_is_none(text):
    assert parse_time(text) is None
