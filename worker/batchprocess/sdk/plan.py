"""What `batchprocess plan` asks of the user's code: counts, and on request the time of a batch."""

import json
import time
from typing import TYPE_CHECKING

from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.construct import misspelt

if TYPE_CHECKING:
    from batchprocess.sdk.attempt import Attempt

PLAN = "BATCHPROCESS_PLAN"
"""`count`, or `try` to run one batch as well."""


def print_plan(attempt: "Attempt", *, try_batch: bool) -> None:
    """One JSON line on stdout: rows, batches, shards, batchSize, secondsPerBatch or null.

    And for the command to look at: run.json as it would be, and what looks wrong with the class.
    """
    plan = attempt.count()
    seconds = _seconds_of_a_batch(attempt, plan) if try_batch else None
    # A line of its own, even if user code has left one unfinished.
    print(  # noqa: T201  the answer to `batchprocess plan`, which reads it
        "\n"
        + json.dumps(
            {
                "rows": plan.rows,
                "batches": sum(plan.size(shard) for shard in range(plan.shards)),
                "shards": plan.shards,
                "batchSize": plan.batch_size,
                "secondsPerBatch": seconds,
                "run": attempt.describe(plan).model_dump(mode="json"),
                "warnings": list(misspelt(attempt.processor_class)),
            }
        )
    )


def _seconds_of_a_batch(attempt: "Attempt", plan: ShardPlan) -> float:
    """The second batch's time: the first one warms up. One batch in all: that one's."""
    processor = attempt.build(rank=0)
    batches = iter(attempt.loader(plan, cursor=0))
    seconds = 0.0
    for index in range(min(2, plan.size(0))):
        began = time.perf_counter()
        processor.process_batch(next(batches), index)
        seconds = time.perf_counter() - began
    return seconds
