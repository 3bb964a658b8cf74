"""How far every shard is: one view put together from all sources. Pure.

There are three: the child Job's completed and failed indexes, pods' termination messages,
and reports. Each may be late, lost or repeated, so what is kept is the furthest that any of them
(or the status before) has reported, and no number ever goes back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.status import Status
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.index_ranges import parse_ranges
from batchprocess_operator.model.observed import MAX_COUNT, ChildJob, Observed, is_running


@dataclass(frozen=True, slots=True)
class Shards:
    """Every shard of a job. `cursors` and `claims` have one entry a shard, in order.

    `sizes` are batches a shard, None until a worker has counted the dataset. `attempts`: shard ->
    pods seen to have started on it, a lower bound after an outage of the operator.
    """

    total: int
    cursors: tuple[int, ...]
    claims: tuple[int, ...]
    sealed: frozenset[int]
    failed: frozenset[int]
    running: frozenset[int]
    attempts: Mapping[int, int]
    shape: RunShape | None = None
    sizes: tuple[int, ...] | None = None

    @property
    def pending(self) -> frozenset[int]:
        """Neither sealed nor failed nor being worked on."""
        return frozenset(range(self.total)) - self.sealed - self.failed - self.running

    @property
    def batches_done(self) -> int:
        """Committed batches."""
        # Until the dataset is counted nothing bounds what a pod says.
        return min(sum(self.cursors), MAX_COUNT)

    @property
    def batches_total(self) -> int | None:
        """Batches of all shards."""
        return None if self.sizes is None else sum(self.sizes)


def read_shards(job: BatchProcessJob, before: Status, observed: Observed) -> Shards:
    """Put the sources together; `before` is the status as last written."""
    total = job.spec.shards
    each = job.spec.worker.processes_per_worker
    workers = [child for child in observed.children if child.role == "worker"]
    sealed = parse_ranges(before.sealed_shards)
    ends = _newest_ends(observed, total, each)
    sealed |= {k for k, end in ends.items() if end.sealed}
    sealed |= {k for k, report in observed.reported.shards.items() if report.sealed}
    sealed &= frozenset(range(total))
    for child in workers:
        sealed |= shards_of(child, child.completed_indexes, total, each)
    current = max(workers, key=lambda child: child.retry, default=None)
    if current is None:
        # Deleted when its time was over: what has failed is still to be read in the status.
        failed = parse_ranges(before.failed_shards) & frozenset(range(total)) - sealed
    else:
        failed = shards_of(current, current.failed_indexes, total, each) - sealed
    shape = _shape(before, observed)
    sizes = _sizes(job, shape)
    return Shards(
        total=total,
        cursors=_cursors(total, before, observed, ends, sealed, sizes),
        claims=_claims(total, before, observed, ends),
        sealed=sealed,
        failed=failed,
        running=_running(observed, current, total, each) - sealed - failed,
        attempts=_attempts(observed, workers, total, each),
        shape=shape,
        sizes=sizes,
    )


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


def numbers(text: str | None, total: int) -> tuple[int, ...]:
    """One number a shard; zeros for a missing text. Raises ValueError for another length."""
    found = tuple(int(part) for part in text.split(",")) if text else (0,) * total
    if len(found) != total:
        raise ValueError(f"status has {len(found)} numbers for {total} shards")
    return found


def _newest_ends(observed: Observed, total: int, each: int) -> dict[int, ShardEnd]:
    """The furthest record of each shard that an ended pod of its own left a message of.

    Only of pods of our children: whoever may create pods can write our labels on one, and a shard
    that is taken for sealed is left out of a retry and closed for good.
    """
    workers = {child.uid: child for child in observed.children if child.role == "worker"}
    ends: dict[int, ShardEnd] = {}
    for pod in (*observed.gone, *observed.pods):
        child = workers.get(pod.child_uid or "")
        if child is None or pod.termination is None or not pod.termination.shards:
            continue
        own = shards_of(child, [pod.index], total, each)
        for end in pod.termination.shards:
            known = ends.get(end.shard)
            newer = known is None or (end.sealed, end.seq) > (known.sealed, known.seq)
            if newer and end.shard in own:
                ends[end.shard] = end
    return ends


def _cursors(
    total: int,
    before: Status,
    observed: Observed,
    ends: Mapping[int, ShardEnd],
    sealed: frozenset[int],
    sizes: Sequence[int] | None,
) -> tuple[int, ...]:
    cursors = list(numbers(before.cursors, total))
    reported = [(end.shard, end.cursor) for end in ends.values()]
    reported += [(shard, report.cursor) for shard, report in observed.reported.shards.items()]
    for shard, cursor in reported:
        if 0 <= shard < total:
            cursors[shard] = max(cursors[shard], cursor)
    if sizes is not None:
        # A pod can say anything; nobody has done more than there is.
        cursors = [min(cursor, size) for cursor, size in zip(cursors, sizes, strict=True)]
        for shard in sealed:
            cursors[shard] = sizes[shard]
    return tuple(cursors)


def _claims(
    total: int, before: Status, observed: Observed, ends: Mapping[int, ShardEnd]
) -> tuple[int, ...]:
    claims = list(numbers(before.claims, total))
    reported = [(shard, report.claim) for shard, report in observed.reported.shards.items()]
    # A record's number is no smaller than its claim's: what an older attempt says is older too.
    reported += [(end.shard, end.seq) for end in ends.values()]
    for shard, claim in reported:
        if 0 <= shard < total:
            claims[shard] = max(claims[shard], claim)
    return tuple(claims)


def regressed(before: Status, observed: Observed, total: int) -> dict[int, tuple[int, int]]:
    """Shards whose newer claim stands on an older cursor than the status had: storage lost data."""
    cursors, claims = numbers(before.cursors, total), numbers(before.claims, total)
    found = dict(observed.reported.regressed)
    for shard, report in observed.reported.shards.items():
        newer = 0 <= shard < total and report.claim > claims[shard]
        if newer and report.cursor < cursors[shard]:
            found[shard] = (cursors[shard], report.cursor)
    return found


def _shape(before: Status, observed: Observed) -> RunShape | None:
    """What was first reported stays: run.json, which it is read from, never changes."""
    known = before.dataset
    if known is not None:
        return RunShape(rows=known.rows, batch_size=known.batch_size, batches=known.batches)
    ours = {child.uid for child in observed.children}
    pods = (pod for pod in (*observed.gone, *observed.pods) if pod.child_uid in ours)
    read = [pod.termination.run for pod in pods if pod.termination is not None]
    return next((shape for shape in (observed.reported.shape, *read) if shape is not None), None)


def plan_of(job: BatchProcessJob, shape: RunShape) -> ShardPlan:
    """How the job cuts a dataset of that shape."""
    limit = job.spec.max_batches
    plan = ShardPlan(shape.rows, shape.batch_size, job.spec.shards)
    # As the worker does: a bound that bounds nothing is ignored.
    if limit is None or not 0 < limit <= plan.first_batch(1):
        return plan
    return ShardPlan(shape.rows, shape.batch_size, job.spec.shards, limit)


def _sizes(job: BatchProcessJob, shape: RunShape | None) -> tuple[int, ...] | None:
    if shape is None:
        return None
    return _sizes_of(plan_of(job, shape))


@lru_cache(maxsize=64)
def _sizes_of(plan: ShardPlan) -> tuple[int, ...]:
    """Kept: a job of 10,000 shards is reconciled more than once a second."""
    return tuple(plan.size(shard) for shard in range(plan.shards))


def _running(observed: Observed, child: ChildJob | None, total: int, each: int) -> frozenset[int]:
    if child is None:
        return frozenset()
    running = {pod.index for pod in observed.pods_of(child) if is_running(pod)}
    return shards_of(child, running, total, each)


def _attempts(
    observed: Observed, workers: Iterable[ChildJob], total: int, each: int
) -> dict[int, int]:
    attempts: dict[int, int] = {}
    for child in workers:
        for pod in observed.pods_of(child):
            if pod.started:
                for shard in shards_of(child, [pod.index], total, each):
                    attempts[shard] = attempts.get(shard, 0) + 1
    return attempts
