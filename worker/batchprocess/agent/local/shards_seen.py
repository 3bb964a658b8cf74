"""What agents report of their shards, from the ledgers of the start on. Pure."""

from collections.abc import Iterable

from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.spent import Spent, sum_of
from batchprocess.protocol.termination import ShardEnd


class ShardsSeen:
    """The newest report and the last end of every shard, `known` being those of the ledgers."""

    def __init__(self, known: Iterable[ShardProgress], shape: RunShape | None) -> None:
        known = tuple(known)
        self.shape = shape
        self._progress = {one.shard: one for one in known}
        self._ends = {one.shard: _end(one) for one in known}
        self._begun: set[int] = set()

    def report(self, report: ProgressReport) -> None:
        """An agent's newest report."""
        self.shape = report.run or self.shape
        for shard in report.shards:
            self._begun = self._begun | {shard.shard} if shard.seq else self._begun - {shard.shard}
            known = self._progress.get(shard.shard)
            if known is None:
                self._progress[shard.shard] = shard
            # Before its claim an attempt knows less than the one before it.
            elif shard.seq >= known.seq:
                # What it does once more counts again only when it is beyond that.
                most = max(known.processed, shard.processed)
                self._progress[shard.shard] = shard.model_copy(update={"processed": most})

    def end(self, shards: Iterable[ShardEnd]) -> None:
        """An agent has ended and left its shards so."""
        ended = {end.shard: end for end in shards}
        self._ends |= ended
        self._begun -= ended.keys()

    def not_begun(self, shards: Iterable[int]) -> frozenset[int]:
        """Those of `shards` that are open, and that no attempt of now has claimed."""
        return frozenset(self.unsealed(n for n in shards if n not in self._begun))

    @property
    def progress(self) -> tuple[ShardProgress, ...]:
        """In the order of shards."""
        return tuple(shard for _, shard in sorted(self._progress.items()))

    @property
    def ends(self) -> tuple[ShardEnd, ...]:
        """In the order of shards."""
        return tuple(end for _, end in sorted(self._ends.items()))

    @property
    def spent(self) -> Spent:
        """Where the time of all attempts went that have reported it."""
        return sum_of(one.spent for one in self._progress.values() if one.spent is not None)

    def unsealed(self, shards: Iterable[int]) -> tuple[int, ...]:
        """Those of `shards` that no agent has left sealed."""
        return tuple(n for n in shards if not (n in self._ends and self._ends[n].sealed))


def _end(one: ShardProgress) -> ShardEnd:
    return ShardEnd(
        shard=one.shard,
        cursor=one.cursor,
        total=one.total,
        sealed=one.sealed,
        seq=one.seq,
        bad_rows=one.bad_rows,
    )
