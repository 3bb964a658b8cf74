"""Numbers by shard: which shards an index works on, and what a status keeps for each. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from batchprocess.api.status import Status
from batchprocess.kube.index_ranges import format_ranges, parse_ranges
from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.observed import ChildJob
from batchprocess_operator.model.reported import ShardReport

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


def bad_rows_heard(
    total: int,
    reports: Mapping[int, ShardReport],
    ends: Mapping[int, ShardEnd],
    shape: RunShape | None,
) -> int:
    """Of all shards, of each the most that a report or a pod's last message has."""
    found: dict[int, int] = {}
    said = [(end.shard, end.bad_rows) for end in ends.values()]
    said += [(shard, report.bad_rows) for shard, report in reports.items()]
    for shard, number in said:
        if 0 <= shard < total:
            found[shard] = max(found.get(shard, 0), number)
    # A pod can say anything; nobody has left out more than there is.
    return min(sum(found.values()), MAX_COUNT if shape is None else shape.rows)


def readable(status: Status, total: int) -> Status:
    """`status` without texts that somebody has written over: they are made anew, the rest stays."""
    wrong = {
        **{name: None for name in ("cursors", "claims") if not _counts(status, name, total)},
        **{name: None for name in ("sealed_shards", "failed_shards") if not _ranges(status, name)},
    }
    return status.model_copy(update=wrong) if wrong else status


def _counts(status: Status, name: str, total: int) -> bool:
    try:
        return all(0 <= one <= MAX_COUNT for one in numbers(getattr(status, name), total))
    except ValueError:
        return False


def _ranges(status: Status, name: str) -> bool:
    try:
        parse_ranges(getattr(status, name))
    except ValueError:
        return False
    return True
