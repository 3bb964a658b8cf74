"""Ranges as the operator writes them, and nothing that grows out of another's text."""

import pytest

from batchprocess.client.logs.shard_ranges import parse_ranges


def test_ranges_are_numbers_in_order() -> None:
    assert parse_ranges("0-3,7,9-9") == [0, 1, 2, 3, 7, 9]


@pytest.mark.parametrize(
    "text", ["", "a", "-1", "3-", "0-99999999", "0-9999,0-9999", "10000", "²", "9" * 99]
)
def test_what_the_operator_does_not_write_is_no_shard(text: str) -> None:
    assert parse_ranges(text) == []
