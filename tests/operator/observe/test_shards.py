"""One view of all shards from all sources, each of which may be late, lost, repeated or a lie."""

from datetime import timedelta

import pytest

from batchprocess.protocol.run import RunShape
from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.observed import Observed
from support.operator.objects import NOW, WORKER, child, ended, job, pod
from support.operator.shard_reports import SHAPE, look, report


def test_nothing_known_means_everything_is_pending() -> None:
    shards = look()
    assert shards.pending == {0, 1, 2, 3}
    assert (shards.cursors, shards.sizes, shards.batches_total) == ((0,) * 4, None, None)


def test_completed_indexes_are_sealed_though_no_word_came_from_their_pods() -> None:
    shards = look(children=[child(status={"completedIndexes": "0,2"})], shape=SHAPE)
    assert shards.sealed == {0, 2}
    assert shards.cursors == (3, 0, 2, 0)


def test_a_sealed_shard_of_a_failed_index_has_not_failed() -> None:
    made = child(completions=2, status={"failedIndexes": "0"})
    said = ended(ShardEnd(shard=0, cursor=3, sealed=True, seq=4), ShardEnd(shard=1, cursor=1))
    shards = look(
        children=[made], pods=[pod(0, code=90, said=said)], worker={"processesPerWorker": 2}
    )
    assert (shards.sealed, shards.told) == (frozenset(), {0})
    assert shards.done == {0}
    assert shards.failed == {1}


def test_what_is_left_to_work_on_follows_exit_code_0_alone() -> None:
    said = ended(ShardEnd(shard=0, cursor=3, sealed=True, seq=4))
    claimed = report(1, cursor=3, sealed=True)
    shards = look(
        children=[child(status={"completedIndexes": "2"})],
        pods=[pod(0, code=1, said=said)],
        reports=[claimed],
        shape=SHAPE,
    )
    assert (shards.sealed, shards.told) == ({2}, {0, 1})
    assert shards.pending == {3}


def test_an_older_operator_believed_pods_so_what_it_has_sealed_counts_for_nothing() -> None:
    before = job({"sealedShards": "0-3"})
    assert look(before, children=[child(status={"completedIndexes": "2"})]).sealed == {2}
    trusted = job({"sealedShards": "0,1", "sealedBy": "exitCode"})
    assert look(trusted, children=[child(status={"completedIndexes": "2"})]).sealed == {0, 1, 2}


def test_failures_of_an_older_retry_are_forgotten() -> None:
    old = child(status={"failedIndexes": "2"})
    new = child(f"{WORKER}-r1", retry=1, shards="2", completions=1)
    assert look(children=[old, new]).failed == frozenset()


def test_the_furthest_report_counts_whichever_source_it_came_from() -> None:
    said = ended(ShardEnd(shard=0, cursor=2, seq=3))
    shards = look(
        job({"cursors": "1,1,0,0", "claims": "2,0,0,0"}),
        children=[child()],
        pods=[pod(0, code=85, said=said)],
        reports=[report(1, cursor=2, claim=5)],
        shape=SHAPE,
    )
    assert shards.cursors == (2, 2, 0, 0)
    assert shards.claims == (3, 5, 0, 0)
    assert shards.batches_done == 4


def test_no_number_goes_back_when_an_older_report_comes_late() -> None:
    before = job(
        {"cursors": "3,2,0,0", "claims": "9,4,0,0", "sealedShards": "0", "sealedBy": "exitCode"}
    )
    shards = look(before, children=[child()], reports=[report(1, cursor=1, claim=2)], shape=SHAPE)
    assert shards.cursors == (3, 2, 0, 0)
    assert shards.claims == (9, 4, 0, 0)
    assert shards.sealed == {0}


def test_a_pod_that_is_gone_has_still_said_its_last_word() -> None:
    said = ended(ShardEnd(shard=3, cursor=1, seq=2), run=SHAPE)
    shards = look(children=[child()], gone=[pod(3, code=85, said=said)])
    assert shards.cursors[3] == 1
    assert shards.attempts == {3: 1}
    assert shards.sizes == (3, 3, 2, 2)


def test_attempts_count_pods_that_started() -> None:
    waiting = pod(0, name="c", phase="Pending", state={"waiting": {"reason": "ContainerCreating"}})
    pods = [pod(0, name="a", code=1), pod(0, name="b"), waiting]
    assert look(children=[child()], pods=pods).attempts == {0: 2}


def test_a_waiting_pod_is_not_running_its_shard() -> None:
    waiting = pod(0, phase="Pending", state={})
    assert look(children=[child()], pods=[waiting, pod(1)]).running == {1}


def test_what_the_workers_first_said_of_the_dataset_stays() -> None:
    before = job({"dataset": {"rows": 37, "batches": 10, "batchSize": 4}})
    shards = look(before, shape=RunShape(rows=1, batch_size=1, batches=1))
    assert shards.shape == SHAPE


def test_max_batches_bounds_every_shard_as_the_worker_bounds_it() -> None:
    assert look(shape=SHAPE, maxBatches=2).sizes == (2, 2, 2, 2)
    assert look(shape=SHAPE, maxBatches=3).sizes == (3, 3, 2, 2)
    assert look(shape=SHAPE, maxBatches=0).sizes == (3, 3, 2, 2)
    assert look(shape=SHAPE, maxBatches=99).sizes == (3, 3, 2, 2)


class TestLies:
    """Whatever runs in a tenant's pod can write a termination message."""

    @pytest.mark.hostile
    def test_a_shard_that_is_none_of_the_jobs_is_ignored(self) -> None:
        said = ended(ShardEnd(shard=77, cursor=1, sealed=True), ShardEnd(shard=3, cursor=1))
        shards = look(children=[child()], pods=[pod(3, code=1, said=said)], shape=SHAPE)
        assert shards.sealed == frozenset()
        assert shards.cursors == (0, 0, 0, 1)

    @pytest.mark.hostile
    def test_what_a_pod_says_of_a_shard_that_is_not_its_own_is_ignored(self) -> None:
        said = ended(ShardEnd(shard=3, cursor=2, sealed=True, seq=5))
        shards = look(children=[child()], pods=[pod(0, code=0, said=said)], shape=SHAPE)
        assert (shards.sealed, shards.cursors) == (frozenset(), (0, 0, 0, 0))

    @pytest.mark.hostile
    @pytest.mark.parametrize("gone", [False, True])
    def test_a_pod_that_has_only_our_labels_cannot_have_a_shard_left_out(self, gone) -> None:
        said = ended(ShardEnd(shard=3, cursor=2, sealed=True, seq=5))
        stranger = [pod(3, of="somebody-elses", code=0, said=said)]
        seen = {"gone": stranger} if gone else {"pods": stranger}
        shards = look(children=[child()], shape=SHAPE, **seen)
        assert (shards.sealed, shards.claims) == (frozenset(), (0, 0, 0, 0))

    @pytest.mark.hostile
    def test_a_pod_that_has_only_our_labels_does_not_say_how_large_the_dataset_is(self) -> None:
        stranger = pod(0, of="somebody-elses", code=0, said=ended(run=SHAPE))
        assert look(children=[child()], pods=[stranger]).shape is None

    @pytest.mark.hostile
    def test_nobody_has_done_more_than_there_is(self) -> None:
        said = ended(ShardEnd(shard=0, cursor=10**6))
        assert (
            look(children=[child()], pods=[pod(0, code=1, said=said)], shape=SHAPE).cursors[0] == 3
        )


def test_pods_of_one_child_are_in_order_of_their_creation() -> None:
    seen = Observed((child(),), (pod(0, name="b", created=-10),), (pod(0, name="a", created=-20),))
    assert [one.name for one in seen.pods_of(child())] == ["a", "b"]
    assert NOW - seen.pods_of(child())[0].created == timedelta(seconds=20)
