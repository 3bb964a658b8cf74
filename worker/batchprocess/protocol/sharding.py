"""Which batches a shard owns. Batch borders never depend on the number of shards."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ShardPlan:
    """Cuts `rows` positions into batches of `batch_size`, and those into `shards` blocks.

    A run has one position for each row that it processes; which row that is, `DatasetRows` says.
    `max_batches` bounds every shard. All counts are exact for any `shards` >= 1; a shard may
    own no batch at all.
    """

    rows: int
    batch_size: int
    shards: int
    max_batches: int | None = None

    @property
    def batches(self) -> int:
        """Batches of all positions, `max_batches` not considered."""
        return -(-self.rows // self.batch_size)

    def first_batch(self, shard: int) -> int:
        """Run-wide number of the first batch of `shard`."""
        each, longer = divmod(self.batches, self.shards)
        return shard * each + min(shard, longer)

    def size(self, shard: int) -> int:
        """Batches that `shard` owns; the first `batches % shards` shards have one more."""
        owned = self.first_batch(shard + 1) - self.first_batch(shard)
        return owned if self.max_batches is None else min(owned, self.max_batches)

    @property
    def processed_rows(self) -> int:
        """Rows of all shards' batches: less than `rows` where `max_batches` bounds them."""
        spans = (self.positions(shard, 0, self.size(shard)) for shard in range(self.shards))
        return sum(end - first for first, end in spans)

    def positions(self, shard: int, first: int, end: int) -> tuple[int, int]:
        """Those of the shard-local batches `[first, end)`, half-open."""
        base = self.first_batch(shard)
        return (self._position(base + first), self._position(base + end))

    def batch_at(self, position: int) -> int:
        """Run-wide number of the batch that the position is in."""
        return position // self.batch_size

    def _position(self, batch: int) -> int:
        return min(batch * self.batch_size, self.rows)
