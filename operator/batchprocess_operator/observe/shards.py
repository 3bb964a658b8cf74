"""How far every shard is: one view put together from all sources. Pure.

There are three: the child Job's completed and failed indexes, pods' termination messages,
and reports. Each may be late, lost or repeated, so what is kept is the furthest that any of them
(or the status before) has reported, and no number ever goes back. Which shards are left to work on
follows exit code 0 alone: what a pod says may be wrong, and is for people.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.status import Status
from batchprocess.kube.index_ranges import parse_ranges
from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.observed import ChildJob, Observed, is_running
from batchprocess_operator.observe.dataset import shape_of, sizes_of
from batchprocess_operator.observe.shard_numbers import bad_rows_heard, numbers, shards_of


@dataclass(frozen=True, slots=True)
class Shards:
    """Every shard of a job. `cursors` and `claims` have one entry a shard, in order.

    `sealed`: of pods that ended with 0. `told`: others that are said to be complete.
    `bad_rows`: of all shards, as far as is heard of them now.
    `sizes` are batches a shard, None until a worker has counted the dataset. `attempts`: shard ->
    pods seen to have started on it, a lower bound after an outage of the operator.
    """

    total: int
    cursors: tuple[int, ...]
    claims: tuple[int, ...]
    sealed: frozenset[int]
    told: frozenset[int]
    failed: frozenset[int]
    running: frozenset[int]
    attempts: Mapping[int, int]
    shape: RunShape | None = None
    sizes: tuple[int, ...] | None = None
    bad_rows: int = 0

    @property
    def done(self) -> frozenset[int]:
        """Complete, for all that is known."""
        return self.sealed | self.told

    @property
    def pending(self) -> frozenset[int]:
        """Neither done nor failed nor being worked on."""
        return frozenset(range(self.total)) - self.done - self.failed - self.running

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
    every = frozenset(range(total))
    sealed = _sealed(before, workers, total, each)
    ends = _newest_ends(observed, total, each)
    told = {k for k, end in ends.items() if end.sealed}
    told |= {k for k, report in observed.reported.shards.items() if report.sealed}
    told |= _ended_well(observed, workers, total, each)
    done = sealed | (told & every)
    current = max(workers, key=lambda child: child.retry, default=None)
    if current is None:
        # Deleted when its time was over: what has failed is still to be read in the status.
        failed = parse_ranges(before.failed_shards) & every - done
    else:
        failed = shards_of(current, current.failed_indexes, total, each) - done
    shape = shape_of(before, observed)
    sizes = sizes_of(job, shape)
    return Shards(
        total=total,
        cursors=_cursors(total, before, observed, ends, sealed, sizes),
        claims=_claims(total, before, observed, ends),
        sealed=sealed,
        told=done - sealed,
        failed=failed,
        running=_running(observed, current, total, each) - done - failed,
        attempts=_attempts(observed, workers, total, each),
        shape=shape,
        sizes=sizes,
        bad_rows=bad_rows_heard(total, observed.reported.shards, ends, shape),
    )


def _sealed(before: Status, workers: Iterable[ChildJob], total: int, each: int) -> frozenset[int]:
    """Shards of pods that ended with 0, which they do once the seal was read back."""
    # Older operators wrote down what pods had said, too.
    trusted = parse_ranges(before.sealed_shards) if before.sealed_by == "exitCode" else frozenset()
    ended = [shards_of(child, child.completed_indexes, total, each) for child in workers]
    return (trusted & frozenset(range(total))).union(*ended)


def _ended_well(
    observed: Observed, workers: Iterable[ChildJob], total: int, each: int
) -> frozenset[int]:
    """Shards of containers that ended with 0; Kubernetes counts their pods once these end too."""
    well = [pod for pod in (*observed.gone, *observed.pods) if pod.exit_code == 0]
    of = [(child, {pod.index for pod in well if pod.child_uid == child.uid}) for child in workers]
    return frozenset[int]().union(*(shards_of(child, done, total, each) for child, done in of))


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
