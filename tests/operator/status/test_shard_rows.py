"""The shards that a person would look at."""

from datetime import timedelta

from batchprocess.api.status import MAX_ROWS
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.reported import Reported, ShardReport
from support.operator.objects import (
    NOW,
    WORKER,
    after,
    child,
    condition,
    ended,
    job,
    plan,
    pod,
    stamp,
)

SHAPE = RunShape(rows=37, batch_size=4, batches=10)
FAILED = child(
    status={
        "completedIndexes": "0,1,3",
        "failedIndexes": "2",
        "conditions": [condition("Failed", "FailedIndexes")],
    }
)


def rows(planned):
    return {row.shard: row for row in planned.status.shard_progress}


def heard(cursor: int, seconds: float = 0, total: int = 9) -> Reported:
    at = NOW + timedelta(seconds=seconds)
    return Reported({0: ShardReport(0, 1, cursor, total, cursor, "running", False, at, at, 1.0)})


def test_only_running_and_failed_shards_are_listed() -> None:
    made = child(status={"completedIndexes": "3", "failedIndexes": "2"})
    planned = plan(job(), [made], [pod(0)])
    assert {k: row.state for k, row in rows(planned).items()} == {2: "failed", 0: "running"}


def test_failed_shards_come_first_and_the_list_is_bounded() -> None:
    made = child(completions=1000, status={"failedIndexes": "900-999"})
    pods = [pod(k, name=f"{WORKER}-{k}") for k in range(400)]
    listed = plan(job(shards=1000, parallelism=400), [made], pods).status.shard_progress
    assert len(listed) == MAX_ROWS
    assert [row.shard for row in listed] == [*range(900, 1000), *range(100)]


def test_the_total_is_the_shards_own_once_the_dataset_is_counted() -> None:
    planned = plan(job(), [child()], [pod(0), pod(2)], reported=Reported(shape=SHAPE))
    assert (rows(planned)[0].total, rows(planned)[2].total) == (3, 2)


def test_the_total_is_unknown_before_anybody_has_counted() -> None:
    assert rows(plan(job(), [child()], [pod(0)], reported=heard(0, total=0)))[0].total is None


def test_the_time_of_the_last_commit_moves_only_with_the_cursor() -> None:
    first = plan(job(), [child()], [pod(0)], reported=heard(2))
    assert rows(first)[0].last_commit_time == NOW
    same = plan(after(job(), first), [child()], [pod(0)], reported=heard(2, 5))
    assert rows(same)[0].last_commit_time == NOW
    moved = plan(after(job(), first), [child()], [pod(0)], reported=heard(3, 5))
    assert rows(moved)[0].last_commit_time == NOW + timedelta(seconds=5)


def test_no_commit_was_heard_of_while_the_cursor_is_0() -> None:
    assert rows(plan(job(), [child()], [pod(0)], reported=heard(0)))[0].last_commit_time is None


def test_attempts_do_not_go_back_when_an_operator_forgets_pods() -> None:
    before = {"shardProgress": [{"shard": 0, "cursor": 0, "state": "running", "attempts": 5}]}
    assert rows(plan(job(before), [child()], [pod(0)]))[0].attempts == 5


def test_a_complete_job_has_no_rows() -> None:
    before = {"state": "Complete", "completionTime": stamp()}
    assert plan(job(before), [child()], [pod(0)]).status.shard_progress == []


def test_a_failed_job_lists_its_failed_shards_as_far_as_their_pods_told() -> None:
    said = ended(ShardEnd(shard=2, cursor=1, seq=7), code=90, message="poison", run=SHAPE)
    pods = [pod(2, code=90, said=said), pod(2, code=90, said=said, created=-9)]
    planned = plan(job(), [FAILED], pods)
    (row,) = planned.status.shard_progress
    assert planned.status.state == "Failed"
    assert (row.shard, row.state, row.cursor, row.total, row.attempts) == (2, "failed", 1, 2, 2)


def test_a_final_status_keeps_its_failed_shards_when_children_and_reports_are_gone() -> None:
    at = NOW - timedelta(seconds=9)
    report = ShardReport(2, 1, 1, 2, 1, "running", False, at, at, 1.0)
    first = plan(job(), [FAILED], [pod(2, code=90)], reported=Reported({2: report}))
    (row,) = first.status.shard_progress
    assert (row.cursor, row.total, row.last_commit_time) == (1, 2, at)
    gone = plan(after(job(), first))
    assert gone.status == first.status
    assert gone.events == ()


def test_a_retry_that_has_begun_lists_the_shards_as_failed_no_more() -> None:
    first = plan(job(), [FAILED], [pod(2, code=90)])
    again = child(f"{WORKER}-r1", retry=1, shards="2", completions=1)
    begun = plan(after(job(), first, retry=1), [again])
    assert (begun.status.failed_shards, begun.status.shard_progress) == ("", [])
