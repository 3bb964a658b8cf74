"""The dataset as workers have counted it, and how a job cuts it. Pure."""

from functools import lru_cache

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.status import Status
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.sharding import ShardPlan
from batchprocess_operator.model.observed import Observed


def shape_of(before: Status, observed: Observed) -> RunShape | None:
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


def sizes_of(job: BatchProcessJob, shape: RunShape | None) -> tuple[int, ...] | None:
    if shape is None:
        return None
    return _sizes_of_plan(plan_of(job, shape))


@lru_cache(maxsize=64)
def _sizes_of_plan(plan: ShardPlan) -> tuple[int, ...]:
    """Kept: a job of 10,000 shards is reconciled more than once a second."""
    return tuple(plan.size(shard) for shard in range(plan.shards))
