"""The shards that a person would look at."""

from datetime import timedelta

from batchprocess.protocol.run import RunShape
from batchprocess_operator.observed import Reported, ShardReport
from batchprocess_operator.rows import MAX_ROWS
from support.operator_objects import NOW, WORKER, after, child, job, plan, pod, stamp


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
    shape = RunShape(rows=37, batch_size=4, batches=10)
    planned = plan(job(), [child()], [pod(0), pod(2)], reported=Reported(shape=shape))
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


def test_a_final_status_has_no_rows() -> None:
    before = {"state": "Complete", "completionTime": stamp()}
    assert plan(job(before), [child()], [pod(0)]).status.shard_progress == []
