"""One view of all shards from all sources, each of which may be late, lost, repeated or a lie."""

from datetime import timedelta

import pytest

from batchprocess.protocol.run import RunShape
from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.observed import Observed, Reported, ShardReport
from batchprocess_operator.observe.shards import numbers, read_shards, regressed, shards_of
from support.operator.objects import NOW, WORKER, child, ended, job, pod

SHAPE = RunShape(rows=37, batch_size=4, batches=10)  # 3, 3, 2, 2 batches


def report(shard: int, **fields) -> ShardReport:
    usual = {"claim": 1, "cursor": 0, "total": 3, "processed": 0, "phase": "running"}
    usual |= {"sealed": False, "received": NOW, "advanced": NOW}
    return ShardReport(shard=shard, **(usual | fields))


def look(one=None, children=(), pods=(), gone=(), reports=(), shape=None, **spec):
    one = one or job(**spec)
    heard = Reported({told.shard: told for told in reports}, shape)
    seen = Observed(tuple(children), tuple(pods), tuple(gone), heard)
    return read_shards(one.body, one.before, seen)


def test_nothing_known_means_everything_is_pending() -> None:
    shards = look()
    assert shards.pending == {0, 1, 2, 3}
    assert (shards.cursors, shards.sizes, shards.batches_total) == ((0,) * 4, None, None)


def test_completed_indexes_are_sealed_though_no_word_came_from_their_pods() -> None:
    shards = look(children=[child(status={"completedIndexes": "0,2"})], shape=SHAPE)
    assert shards.sealed == {0, 2}
    assert shards.cursors == (3, 0, 2, 0)


def test_an_index_of_several_processes_stands_for_several_shards() -> None:
    made = child(completions=2, status={"completedIndexes": "1"})
    assert look(children=[made], worker={"processesPerWorker": 2}).sealed == {2, 3}


def test_the_last_index_may_stand_for_fewer_shards() -> None:
    made = child(completions=2, status={"completedIndexes": "1"})
    shards = look(children=[made], worker={"processesPerWorker": 3})
    assert shards.sealed == {3}


def test_an_index_of_a_retry_stands_for_the_shards_in_its_annotation() -> None:
    made = child(f"{WORKER}-r1", retry=1, shards="1,3", completions=2)
    assert shards_of(made, [1], 4, 1) == {3}
    assert shards_of(made, [5], 4, 1) == frozenset()


def test_a_sealed_shard_of_a_failed_index_has_not_failed() -> None:
    made = child(completions=2, status={"failedIndexes": "0"})
    said = ended(ShardEnd(shard=0, cursor=3, sealed=True, seq=4), ShardEnd(shard=1, cursor=1))
    shards = look(
        children=[made], pods=[pod(0, code=90, said=said)], worker={"processesPerWorker": 2}
    )
    assert shards.sealed == {0}
    assert shards.failed == {1}


def test_failures_of_an_older_retry_are_forgotten() -> None:
    old = child(status={"failedIndexes": "2"})
    new = child(f"{WORKER}-r1", retry=1, shards="2", completions=1)
    assert look(children=[old, new]).failed == frozenset()


def test_the_furthest_word_counts_whichever_road_it_came_by() -> None:
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


def test_no_number_goes_back_when_an_older_word_comes_late() -> None:
    before = job({"cursors": "3,2,0,0", "claims": "9,4,0,0", "sealedShards": "0"})
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

    def test_a_shard_that_is_none_of_the_jobs_is_ignored(self) -> None:
        said = ended(ShardEnd(shard=77, cursor=1, sealed=True), ShardEnd(shard=3, cursor=1))
        shards = look(children=[child()], pods=[pod(3, code=1, said=said)], shape=SHAPE)
        assert shards.sealed == frozenset()
        assert shards.cursors == (0, 0, 0, 1)

    def test_what_a_pod_says_of_a_shard_that_is_not_its_own_is_ignored(self) -> None:
        said = ended(ShardEnd(shard=3, cursor=2, sealed=True, seq=5))
        shards = look(children=[child()], pods=[pod(0, code=0, said=said)], shape=SHAPE)
        assert (shards.sealed, shards.cursors) == (frozenset(), (0, 0, 0, 0))

    @pytest.mark.parametrize("gone", [False, True])
    def test_a_pod_that_has_only_our_labels_cannot_have_a_shard_left_out(self, gone) -> None:
        said = ended(ShardEnd(shard=3, cursor=2, sealed=True, seq=5))
        stranger = [pod(3, of="somebody-elses", code=0, said=said)]
        seen = {"gone": stranger} if gone else {"pods": stranger}
        shards = look(children=[child()], shape=SHAPE, **seen)
        assert (shards.sealed, shards.claims) == (frozenset(), (0, 0, 0, 0))

    def test_a_pod_that_has_only_our_labels_does_not_say_how_large_the_dataset_is(self) -> None:
        stranger = pod(0, of="somebody-elses", code=0, said=ended(run=SHAPE))
        assert look(children=[child()], pods=[stranger]).shape is None

    def test_nobody_has_done_more_than_there_is(self) -> None:
        said = ended(ShardEnd(shard=0, cursor=10**6))
        assert (
            look(children=[child()], pods=[pod(0, code=1, said=said)], shape=SHAPE).cursors[0] == 3
        )


class TestRegression:
    """Storage that has lost records, and what looks like it."""

    BEFORE = job({"cursors": "0,30,0,0", "claims": "0,9,0,0"})

    def found(self, told: ShardReport, one=BEFORE):
        return regressed(one.before, Observed(reported=Reported({told.shard: told})), 4)

    def test_a_newer_claim_on_an_older_cursor_is_data_loss(self) -> None:
        assert self.found(report(1, claim=10, cursor=20)) == {1: (30, 20)}

    def test_a_newer_claim_on_the_same_or_a_later_cursor_is_none(self) -> None:
        assert self.found(report(1, claim=10, cursor=30)) == {}
        assert self.found(report(1, claim=10, cursor=31)) == {}

    @pytest.mark.parametrize("claim", [3, 9])
    def test_a_fenced_attempts_late_report_is_none(self, claim: int) -> None:
        assert self.found(report(1, claim=claim, cursor=20)) == {}

    def test_a_pod_that_has_not_claimed_yet_says_nothing_about_the_cursor(self) -> None:
        assert self.found(report(1, claim=0, cursor=0)) == {}


def test_numbers_of_another_length_are_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match="3 numbers for 4 shards"):
        numbers("1,2,3", 4)


def test_pods_of_one_child_are_in_order_of_their_creation() -> None:
    seen = Observed((child(),), (pod(0, name="b", created=-10),), (pod(0, name="a", created=-20),))
    assert [one.name for one in seen.pods_of(child())] == ["a", "b"]
    assert NOW - seen.pods_of(child())[0].created == timedelta(seconds=20)
