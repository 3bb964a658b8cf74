"""Progress reports: newest wins, losing one never matters."""

from pydantic import BaseModel, ConfigDict, Field

from batchprocess.protocol.control import Indexed, Phase
from batchprocess.protocol.json_values import Count
from batchprocess.protocol.run import RunShape, SourceChange
from batchprocess.protocol.spent import Spent

REPORTS_PATH = "/v1/reports"
"""Where a report is POSTed, below BATCHPROCESS_PROGRESS_URL, with a bearer token."""
MAX_REPORT_BYTES = 4_096
INTERVAL_SECONDS = 5.0
"""Between two reports of one pod; the endpoint lets a few more through for first and last words."""


class ShardProgress(BaseModel):
    """One shard as its attempt sees it. `seq` is the claim's: lower ones are ignored.

    Counts are batches, but `rows`: those that this attempt has committed, and `bad_rows`: of the
    shard, left out in what is committed. `seq` is 0 and `total` unknown (0) before the claim.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    shard: Count
    seq: Count
    cursor: Count
    total: Count
    processed: Count
    rows: Count = 0
    phase: Phase = "starting"
    sealed: bool = False
    spent: Spent | None = None
    indexed: Indexed | None = Field(
        default=None, description="in phase indexing", exclude_if=lambda given: given is None
    )
    bad_rows: Count = Field(default=0, exclude_if=lambda number: number == 0)


class ProgressReport(BaseModel):
    """What a pod says of all its shards; `run` once one of them has counted the dataset.

    `source`: only of a pod whose source is not that of its run.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    shards: tuple[ShardProgress, ...] = Field(max_length=16)
    run: RunShape | None = None
    source: SourceChange | None = None
