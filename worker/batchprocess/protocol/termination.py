"""The termination message: the road of progress that survives an operator outage."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from batchprocess.protocol.run import RunShape, SourceChange

MAX_MESSAGE_BYTES = 4_000


class ShardEnd(BaseModel):
    """How far one shard of the pod is, as last read or written by this pod."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    shard: int
    cursor: int
    total: int | None = None
    sealed: bool = False
    seq: int = 0
    bad_rows: int = Field(default=0, exclude_if=lambda number: number == 0)


class Result(BaseModel):
    """What the finalizer found; its pod is the only one that may read storage for the operator."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    batches: int
    failed_shards: int = 0
    attempts: int = 0
    metrics: dict[str, Any] = {}
    metrics_error: str | None = None
    bad_rows: int = 0


class Termination(BaseModel):
    """JSON of at most 4,000 bytes, rewritten in place at every commit (a killed PID 1 can't)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    code: int | None = None
    message: str = ""
    shards: tuple[ShardEnd, ...] = ()
    run: RunShape | None = None
    source: SourceChange | None = None
    result: Result | None = None

    def encode(self) -> bytes:
        """The message's bytes; an over-long `message` is cut, never the shards."""
        body = self.model_dump_json().encode()
        if len(body) <= MAX_MESSAGE_BYTES:
            return body
        if self.result is not None and self.result.metrics:
            # Too large for this road; summary.json has them.
            slim = self.result.model_copy(update={"metrics": {}})
            return self.model_copy(update={"result": slim}).encode()
        # A character may take six bytes once JSON-escaped, so cut until it fits.
        keep = len(self.message) - 1 - (len(body) - MAX_MESSAGE_BYTES) // 6
        return self.model_copy(update={"message": self.message[: max(keep, 0)]}).encode()
