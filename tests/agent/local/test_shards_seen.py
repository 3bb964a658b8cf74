"""What is known of shards from reports that come in any order, and of attempts that fail."""

from batchprocess.agent.local.shards_seen import ShardsSeen
from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess.protocol.termination import ShardEnd


def report(shard: int, seq: int, cursor: int = 0, processed: int = 0) -> ProgressReport:
    one = ShardProgress(shard=shard, seq=seq, cursor=cursor, total=20, processed=processed)
    return ProgressReport(shards=(one,))


def test_the_count_of_batches_never_runs_backwards() -> None:
    seen, counted = ShardsSeen([], None), []
    for seq, cursor, processed in [
        (1, 0, 3),
        (1, 5, 9),
        (0, 0, 0),
        (3, 5, 5),
        (3, 5, 8),
        (3, 10, 11),
    ]:
        seen.report(report(0, seq, cursor, processed))
        (shown,) = seen.progress
        counted.append((shown.seq, shown.cursor, shown.processed))
    assert counted == [(1, 0, 3), (1, 5, 9), (1, 5, 9), (3, 5, 9), (3, 5, 9), (3, 10, 11)]


def test_a_shard_has_begun_from_the_claim_to_the_end_of_an_attempt() -> None:
    known = ShardProgress(shard=2, seq=4, cursor=20, total=20, processed=20, sealed=True)
    seen = ShardsSeen([known], None)
    assert seen.not_begun(range(3)) == {0, 1}
    seen.report(report(0, 0))
    assert seen.not_begun(range(3)) == {0, 1}
    seen.report(report(0, 1))
    assert seen.not_begun(range(3)) == {1}
    seen.end([ShardEnd(shard=0, cursor=5, total=20, seq=3)])
    assert seen.not_begun(range(3)) == {0, 1}
    seen.report(report(0, 0))
    assert seen.not_begun(range(3)) == {0, 1}
    seen.report(report(0, 4))
    seen.end([ShardEnd(shard=0, cursor=20, total=20, sealed=True, seq=9)])
    assert seen.not_begun(range(3)) == {1}
