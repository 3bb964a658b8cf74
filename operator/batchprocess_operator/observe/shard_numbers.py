"""Numbers by shard: which shards an index works on, and what a status keeps for each. Pure."""

from collections.abc import Collection, Iterable, Sequence

from batchprocess_operator.model.index_ranges import format_ranges
from batchprocess_operator.model.observed import ChildJob

_MAX_RANGES = 100


def shards_of(
    child: ChildJob, indexes: Iterable[int], total: int, processes_per_worker: int
) -> frozenset[int]:
    """The shards behind completion indexes of one child."""
    todo: Sequence[int] = range(total) if child.shards is None else child.shards
    return frozenset(
        shard
        for index in indexes
        for shard in todo[index * processes_per_worker : (index + 1) * processes_per_worker]
    )


def named_shards(shards: Collection[int]) -> str:
    """`shards 0-2,7`, or of very scattered ones how many they are: `5000 shards`."""
    ranges = format_ranges(shards)
    return f"shards {ranges}" if len(ranges) <= _MAX_RANGES else f"{len(shards)} shards"


def numbers(text: str | None, total: int) -> tuple[int, ...]:
    """One number a shard; zeros for a missing text. Raises ValueError for another length."""
    found = tuple(int(part) for part in text.split(",")) if text else (0,) * total
    if len(found) != total:
        raise ValueError(f"status has {len(found)} numbers for {total} shards")
    return found
