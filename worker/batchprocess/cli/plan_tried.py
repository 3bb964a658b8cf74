"""What `plan --try` warns of: commits with next to nothing in them, and shards that are short."""

from collections.abc import Iterator

from batchprocess.api.job import BatchProcessJob
from batchprocess.cli.output import byte_size, duration
from batchprocess.protocol.dry_run import DryRunAnswer

TINY_BYTES = 1 << 20
"""Of outputs in a commit: an object and its record cost some requests whatever their size."""
LONG_ENOUGH = 20
"""Times that a shard should take as long as it takes to load the model."""
_SECONDS_BETWEEN_COMMITS = 60.0
_SECONDS_WORTH_A_WORD = 1.0


def warnings(job: BatchProcessJob, counted: DryRunAnswer) -> Iterator[str]:
    """A sentence each; nothing without a try."""
    yield from _of_commits(job, counted)
    yield from _of_shards(job, counted)


def _of_commits(job: BatchProcessJob, counted: DryRunAnswer) -> Iterator[str]:
    each, tried = counted.secondsPerBatch, counted.tried
    if each is None or tried is None or not tried.bytesPerBatch or not counted.batches:
        return
    longest = -(-counted.batches // counted.shards)
    asked = job.spec.checkpoint_seconds
    now = _batches_of_commit(min(tried.checkpointInterval, longest), each, asked)
    seconds = max(_SECONDS_BETWEEN_COMMITS, asked or 0.0)
    then = _batches_of_commit(longest, each, seconds)
    if now * tried.bytesPerBatch >= TINY_BYTES or then < 2 * now:
        return
    yield (
        f"a commit has {byte_size(now * tried.bytesPerBatch)} of outputs, and there are "
        f"{-(-counted.batches // now)} of them: with checkpointInterval: {longest} and "
        f"checkpointSeconds: {seconds:g} there would be {-(-counted.batches // then)} of "
        f"{byte_size(then * tried.bytesPerBatch)}, and a kill would repeat up to "
        f"{duration(max(then * each, 1))}"
    )


def _batches_of_commit(interval: int, each: float, seconds: float | None) -> int:
    by_time = interval if seconds is None else int(seconds / max(each, 1e-9)) + 1
    return max(1, min(interval, by_time))


def _of_shards(job: BatchProcessJob, counted: DryRunAnswer) -> Iterator[str]:
    each, tried = counted.secondsPerBatch, counted.tried
    if each is None or tried is None or tried.secondsToBuild < _SECONDS_WORTH_A_WORD:
        return
    all_seconds, wanted = each * counted.batches, LONG_ENOUGH * tried.secondsToBuild
    if counted.shards == 1 or all_seconds / counted.shards >= wanted:
        return
    fewer = max(1, int(all_seconds / wanted))
    beside = (
        f", which {job.spec.parallelism} workers at a time would be too many for"
        if fewer < job.spec.parallelism
        else ""
    )
    yield (
        f"a shard takes {duration(all_seconds / counted.shards)}, and each begins by building the "
        f"processor for {duration(tried.secondsToBuild)}: shards: {fewer} would be "
        f"{LONG_ENOUGH} times as long as that{beside}"
    )
