"""Which rows a data loader reads, batch by batch, and with which random numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from torch.utils.data import Sampler

from batchprocess.protocol.rows.dataset_rows import ALL_ROWS, DatasetRows
from batchprocess.protocol.run import Seeds
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.device.devices import has_gpu
from batchprocess.sdk.seeding.generators import set_generators


@dataclass(frozen=True)
class Start:
    """Where reading begins: shard-local batch `first`, with the run's seeds for reading items.

    Without seeds, as in runs that were begun before there were any, generators are left alone.
    alone: rows of the batch `alone_of`, or of the one before `first`, read before it, each as a
    batch of its own. rows: which the run's are; a batch of which all are left out is not read. bad:
    rows that are known to be, and are not read; a batch of nothing else is, and has no row.
    """

    plan: ShardPlan
    shard: int
    first: int
    seeds: Seeds | None = None
    alone: tuple[int, ...] = ()
    alone_of: int | None = None
    rows: DatasetRows = ALL_ROWS
    bad: frozenset[int] = frozenset()

    def with_alone(self, batch: int, rows: Sequence[int], then: int | None) -> "Start":
        """Read `rows` of a batch each alone, and go on with batch `then`, by default behind it."""
        first = batch + 1 if then is None else then
        return replace(self, first=first, alone=tuple(rows), alone_of=batch)

    @property
    def batches(self) -> int:
        """How many are left of the shard."""
        return self.plan.size(self.shard) - self.first

    @property
    def reads(self) -> Iterator[tuple[int, list[int]]]:
        """What the loader reads as one batch: rows, and the run-wide number of their batch."""
        base = self.plan.first_batch(self.shard)
        alone_of = self.first - 1 if self.alone_of is None else self.alone_of
        for row in self.alone:
            yield base + alone_of, [row]
        for batch in range(self.first, self.first + self.batches):
            if batch not in self.empty:
                yield base + batch, self._without_bad(self._rows_of(batch))

    def __len__(self) -> int:
        """How many times the loader reads."""
        return len(self.alone) + self.batches - len(self.empty)

    @cached_property
    def empty(self) -> frozenset[int]:
        """Batches of which all rows are left out."""
        base, found = self.plan.first_batch(self.shard), set[int]()
        for row in self.rows.left_out:
            position = self.rows.position_of(row)
            batch = -1 if position is None else self.plan.batch_at(position) - base
            if self.first <= batch < self.first + self.batches and not self._rows_of(batch):
                found.add(batch)
        return frozenset(found)

    def _without_bad(self, rows: Sequence[int]) -> list[int]:
        return [row for row in rows if row not in self.bad] if self.bad else list(rows)

    def _rows_of(self, batch: int) -> Sequence[int]:
        return self.rows.at(self.plan.positions(self.shard, batch, batch + 1))


class ShardBatches(Sampler[list[int]]):
    """Row numbers of a shard's batches from `start` on, one list a batch; none before it is set.

    Each list sets the global generators where its rows are read, just before: in a worker as it is
    received, and without workers as it is handed out.
    """

    def __init__(self, *, for_workers: bool) -> None:
        self._for_workers = for_workers
        self._may_use_gpu = has_gpu()
        self.start: Start | None = None

    def __iter__(self) -> Iterator[list[int]]:
        start = self.start
        if start is None:
            return
        for batch, rows in start.reads:
            if start.seeds is None:
                yield rows
            elif self._for_workers:
                yield _SeededRows(rows, start.seeds, batch, self._may_use_gpu)
            else:
                _begin(start.seeds, batch, self._may_use_gpu)
                yield rows

    def __len__(self) -> int:
        return 0 if self.start is None else len(self.start)


class _SeededRows(list[int]):
    """Row numbers on their way to a worker, where they arrive as a plain list.

    The worker unpickles them when it begins with the batch, and not before; that is the only place
    that every kind of worker passes between two batches, also those started by `spawn`.
    """

    def __init__(self, rows: list[int], seeds: Seeds, batch: int, may_use_gpu: bool) -> None:
        super().__init__(rows)
        self._seeds, self._batch, self._may_use_gpu = seeds, batch, may_use_gpu

    def __reduce__(self) -> Any:
        seeds = self._seeds.model_dump()
        return _begin_batch, (list(self), seeds, self._batch, self._may_use_gpu)


def _begin_batch(
    rows: list[int], seeds: dict[str, int], batch: int, may_use_gpu: bool
) -> list[int]:
    _begin(Seeds(**seeds), batch, may_use_gpu)
    return rows


def begin_again() -> None:
    """Set the generators as they were before the first row of the batch that is being read here."""
    for set_again in _begun:
        set_again()


_begun: list[Callable[[], None]] = []
"""Of the batch that is read in this process, one at most; there is one set of generators, too."""


def _begin(seeds: Seeds, batch: int, may_use_gpu: bool) -> None:
    _begun[:] = [partial(set_generators, seeds, batch, may_use_gpu=may_use_gpu)]
    begin_again()
