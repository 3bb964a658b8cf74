"""What a try says of commits and shards."""

from typing import Any

import pytest

from batchprocess.cli.plan_tried import LONG_ENOUGH, TINY_BYTES, warnings
from batchprocess.protocol.dry_run import DryRunAnswer, Tried
from support.local_job import job
from support.storage.made_run import RUN


def told(each: float | None, tried: Tried | None, *, shards: int = 4, **spec: Any) -> list[str]:
    counted = DryRunAnswer(
        rows=4000,
        batches=400,
        shards=shards,
        batchSize=10,
        secondsPerBatch=each,
        run=RUN,
        warnings=(),
        tried=tried,
    )
    return list(warnings(job(shards=shards, **spec), counted))


def measured(built: float = 0.0, each: float = 0.0, interval: int = 5) -> Tried:
    return Tried(secondsToBuild=built, bytesPerBatch=each, checkpointInterval=interval)


def test_tiny_commits_are_told_with_what_fewer_would_be() -> None:
    assert told(2.0, measured(each=1024)) == [
        "a commit has 5.0 KiB of outputs, and there are 80 of them: with checkpointInterval: 100 "
        "and checkpointSeconds: 60 there would be 13 of 31.0 KiB, and a kill would repeat up to "
        "62 s"
    ]


@pytest.mark.parametrize(
    ("each", "tried", "spec"),
    [
        (2.0, measured(each=TINY_BYTES / 5), {}),
        (2.0, measured(each=0), {}),
        (20.0, measured(each=10), {}),
        (2.0, measured(each=10, interval=100), {"checkpointSeconds": 60}),
        (2.0, None, {}),
        (None, None, {}),
    ],
)
def test_commits_that_are_large_or_seldom_are_not(
    each: float | None, tried: Tried | None, spec: dict[str, Any]
) -> None:
    assert told(each, tried, **spec) == []


def test_what_a_job_bounds_by_time_is_commits_of_that_time() -> None:
    (one,) = told(0.1, measured(each=10, interval=100), checkpointSeconds=1)
    assert one.startswith("a commit has 110 bytes of outputs, and there are 37 of them")


def test_shards_that_are_short_beside_the_models_load_are_told_with_a_better_number() -> None:
    (one,) = told(1.0, measured(built=10.0), parallelism=4)
    assert one == (
        "a shard takes 2 min, and each begins by building the processor for 10 s: shards: 2 would "
        "be 20 times as long as that, which 4 workers at a time would be too many for"
    )
    assert told(1.0, measured(built=100 / LONG_ENOUGH)) == []
    assert told(1.0, measured(built=0.9), shards=400) == []
    assert told(1.0, measured(built=100.0), shards=1) == []
