"""Who refuses a run of another layout, and times that nothing depends on."""

from datetime import UTC, datetime

import pytest

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.run import (
    LAYOUT,
    REFUSED_BY_OLDER,
    RUN_KEY,
    RunInfo,
    encode_document,
    parse_document,
    parse_time,
)

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


class RunOfOlderVersion(RunInfo):
    """What the last version without tables reads: of `versions` it knew texts alone."""

    versions: dict[str, str]


NOW = RunInfo(
    rows=1,
    batch_size=1,
    batches=1,
    shards=1,
    processor="P",
    layout=LAYOUT,
    versions={"torch": "2", **REFUSED_BY_OLDER},
)


def test_an_older_version_refuses_a_run_with_tables_and_says_why():
    body = encode_document(NOW, RUN_KEY)
    assert parse_document(RunInfo, RUN_KEY, body) == NOW
    said = "run.json cannot be read: versions.layout 2, which needs a newer batchprocess: Input"
    with pytest.raises(VerificationError, match=said):
        parse_document(RunOfOlderVersion, RUN_KEY, body)


def test_a_run_from_before_there_were_tables_has_none():
    body = encode_document(NOW, RUN_KEY).replace(b'"layout": 2,', b"")
    assert parse_document(RunInfo, RUN_KEY, body).layout == 1


def test_a_layout_that_is_not_known_is_refused():
    body = encode_document(NOW, RUN_KEY).replace(b'"layout": 2,', b'"layout": 3,')
    with pytest.raises(VerificationError, match="run.json cannot be read: layout: Input should be"):
        parse_document(RunInfo, RUN_KEY, body)
