"""Progress reports: newest wins, losing one never matters."""

from pydantic import BaseModel, ConfigDict

from batchprocess.protocol.control import Phase
from batchprocess.protocol.spent import Spent


class ShardProgress(BaseModel):
    """One shard as its attempt sees it. `seq` is the claim's: lower ones are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    shard: int
    seq: int
    cursor: int
    total: int
    processed: int
    rows: int = 0
    phase: Phase = "starting"
    sealed: bool = False
    spent: Spent | None = None


class ProgressReport(BaseModel):
    """What a pod says of all its shards."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    shards: tuple[ShardProgress, ...]
