"""The table of shards."""

from datetime import timedelta

import pytest

from batchprocess_operator.page.views.shard_rows import MAX_SHARDS, ShardTable, shard_table
from support.operator.objects import NOW, child, job, pod
from support.operator.shard_reports import SHAPE, look, report


def table(total: int = 120, **asked: str) -> ShardTable:
    failed = {"failedShards": "3,70", "sealedShards": "10-19", "sealedBy": "exitCode"}
    shards = look(job(failed, shards=total))
    return shard_table(shards, {}, {3: 2}, asked, NOW)


def test_shards_come_in_order_a_page_at_a_time():
    first = table()
    assert [one.shard for one in first.rows] == list(range(MAX_SHARDS))
    assert (first.of, first.before, first.after) == (120, -1, MAX_SHARDS)
    last = table(**{"from": "100"})
    assert [one.shard for one in last.rows] == list(range(100, 120))
    assert (last.before, last.after) == (50, -1)


@pytest.mark.parametrize(
    ("state", "numbers"),
    [("failed", [3, 70]), ("succeeded", list(range(10, 20))), ("running", [])],
)
def test_those_of_one_state_are_shown(state: str, numbers: list[int]):
    found = table(shards=state)
    assert [one.shard for one in found.rows] == numbers
    assert {one.state for one in found.rows} <= {state}


@pytest.mark.hostile
@pytest.mark.parametrize("start", ["-1", "x", "", "9" * 30, "٣", "120", "1e3"])
def test_a_number_that_is_none_of_a_shard_is_the_first_or_the_last_page(start: str):
    found = table(**{"from": start})
    assert found.rows
    assert table(shards="<script>").state == ""


def test_one_at_work_says_what_it_does_and_when_it_was_heard():
    told = report(0, cursor=1, processed=2, phase="storage", rate=2.5, claim=1)
    shards = look(children=[child()], pods=[pod(0)], reports=[told], shape=SHAPE)
    found = shard_table(shards, {0: told}, {0: 1}, {}, NOW + timedelta(seconds=7))
    (row, *_) = found.rows
    assert (row.state, row.cursor, row.percent) == ("running", "1/3", 33)
    assert (row.doing, row.heard, row.rate, row.attempts) == (
        "waiting for storage",
        "7s",
        "2.5/s",
        1,
    )
