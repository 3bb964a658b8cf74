"""What a pod that plans answers."""

from typing import Any

from batchprocess.protocol.dry_run import DryRunAnswer
from support.storage.made_run import RUN


def plan_answer(**changes: Any) -> DryRunAnswer:
    """Of ten rows in five batches."""
    counts = {"rows": 10, "batches": 5, "shards": 2, "batchSize": 2, "secondsPerBatch": None}
    given = {**counts, "run": RUN.model_dump(), "warnings": [], **changes}
    return DryRunAnswer.model_validate(given)
