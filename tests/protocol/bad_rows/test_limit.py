"""How many bad rows a run may have, at the edges."""

import pytest

from batchprocess.protocol.bad_rows.limit import BadRowLimit
from batchprocess.protocol.errors import InvalidArgument, TooManyBadRows


@pytest.mark.parametrize(
    ("said", "rows", "most"),
    [
        (None, 1_000, 10),
        (None, 199, 1),
        (None, 200, 2),
        (None, 99, 1),
        (None, 1, 1),
        ("0%", 50, 0),
        ("0.0%", 10**9, 0),
        ("0.000001%", 10, 1),
        ("0.29%", 100_000, 290),
        ("100%", 7, 7),
        ("99.999999%", 10**9, 999_999_990),
        ("50%", 2**53 - 1, 2**52 - 1),
        ("0", 100, 0),
        ("17", 5, 17),
        (str(2**53 - 1), 5, 2**53 - 1),
    ],
)
def test_a_number_or_a_part_of_the_runs_rows_may_be_bad(said, rows, most):
    limit = BadRowLimit.of("skip", said, rows)
    assert limit.most == most
    limit.require(most, "the run")
    with pytest.raises(TooManyBadRows):
        limit.require(most + 1, "the run")


def test_a_job_that_skips_no_row_allows_none():
    assert BadRowLimit.of("fail", None, 1_000).most == 0


def test_who_has_too_many_is_told_what_is_allowed_and_how_to_go_on():
    said = (
        r"shard 3 alone has 12 bad rows, and failurePolicy\.maxBadRows allows 1% of 1000 rows: 10; "
        r"batchprocess results --errors names each\. .* with a higher maxBadRows another try goes"
    )
    with pytest.raises(TooManyBadRows, match=said):
        BadRowLimit.of("skip", None, 1_000).require(12, "shard 3 alone")
    with pytest.raises(TooManyBadRows, match="allows 4; batch"):
        BadRowLimit.of("skip", "4", 1_000).require(5, "the run")


@pytest.mark.parametrize(
    "said", ["", "-1", "1.5", "101%", "1e2%", " 1%", "1 %", "%", "9" * 17, "٣"]
)
def test_what_is_no_limit_is_refused_with_its_value(said):
    if said == "":  # an empty variable is an absent one
        assert BadRowLimit.of("skip", said, 100).most == 1
        return
    with pytest.raises(InvalidArgument, match="must be a number of rows or a percentage"):
        BadRowLimit.of("skip", said, 100)
