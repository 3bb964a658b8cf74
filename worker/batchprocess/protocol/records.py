"""Ledger records (docs/protocol.md, "Records"): what stands under `ledger/<shard>/<seq>.json`.

A record is serialized once; every retry sends the same bytes, and `prev` of the next record is
the digest of exactly those bytes.
"""

import contextlib
import hashlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.json_values import Count, Sha256, check_readable
from batchprocess.protocol.spent import Spent
from batchprocess.protocol.tables.statistics import FileStatistics

MAX_RECORD_BYTES = 1 << 20
MAX_FILES_PER_COMMIT = 10_000  # names fill a record before: of 30 bytes each, some 4,000 fit
MAX_INLINE_BYTES = 16 << 10
"""Of a reducer's value as JSON in a record; larger ones lie beside the record's files."""

Span = tuple[int, int]
"""A half-open range `[first, end)`."""


class _Model(BaseModel):
    # Receivers ignore what a later version adds; a field never changes its meaning.
    model_config = ConfigDict(frozen=True, extra="ignore")


class CommittedFile(_Model):
    """One output file that a record names; `key` is relative to the run folder."""

    name: str
    key: str
    size: int = Field(ge=0, description="bytes")
    sha256: str
    statistics: FileStatistics | None = Field(default=None, exclude_if=lambda given: given is None)


class ReducerEntry(_Model):
    """A reducer's value at a commit boundary: inline, or in a data object when above 16 KiB."""

    name: str
    kind: Literal["function", "slot", "state"]
    value: Any = None
    object: CommittedFile | None = None


class MetricEntry(_Model):
    """One `report_metrics` call."""

    group: str
    steps_completed: int
    metrics: dict[str, Any]


class KeptBadRows(_Model):
    """Rows that were left out: `count` bad ones of this record's batches and `total` of the shard
    up to here, and `skipped` by hand of these batches. `object` names both, one by one."""

    count: Count
    total: Count
    skipped: Count = Field(default=0, exclude_if=lambda number: number == 0)
    object: CommittedFile | None = None


class _Record(_Model):
    v: Literal[1] = 1
    shard: int = Field(ge=0)
    seq: int = Field(ge=1)
    prev: str | None
    nonce: str
    attempt: str
    job: str
    cursor: int = Field(ge=0, description="batches committed once this record stands")
    at: str
    source: str | None = Field(default=None, description="digest of the attempt's source files")


class Claim(_Record):
    """This attempt now owns the shard: no older attempt can create anything any more."""

    type: Literal["claim"] = "claim"
    retry: int = 0
    follows: str | None = Field(
        default=None,
        description="the attempt that asked for this one, to find a batch's bad rows",
        exclude_if=lambda given: given is None,
    )


class _Body(_Record):
    batches: Span
    rows: Span
    files: tuple[CommittedFile, ...] = Field(default=(), max_length=MAX_FILES_PER_COMMIT)
    reducers: tuple[ReducerEntry, ...] = ()
    metrics: tuple[MetricEntry, ...] = ()
    models: tuple[dict[str, Any], ...] = Field(
        default=(), description="report_task_using_* links: model versions and checkpoints"
    )
    spent: Spent | None = Field(default=None, description="the attempt so far; information only")
    bad_rows: KeptBadRows | None = Field(default=None, exclude_if=lambda given: given is None)
    schemas: dict[str, Sha256] = Field(default={}, exclude_if=lambda given: not given)

    def objects(self) -> tuple[CommittedFile, ...]:
        """Every object that must exist for this record to be whole."""
        beside = [one.object for one in self.reducers]
        beside += [] if self.bad_rows is None else [self.bad_rows.object]
        return self.files + tuple(one for one in beside if one is not None)


class Commit(_Body):
    """Shard-local batches `[a, b)` are done and these are their files."""

    type: Literal["commit"] = "commit"


class Seal(_Body):
    """The end of a shard: complete, or abandoned by the finalizer."""

    type: Literal["seal"] = "seal"
    outcome: Literal["complete", "abandoned"]


Record = Annotated[Claim | Commit | Seal, Field(discriminator="type")]
_ADAPTER: TypeAdapter[Claim | Commit | Seal] = TypeAdapter(Record)


def encode(record: Claim | Commit | Seal) -> bytes:
    """The bytes to store. Call it once per record; retries send the same bytes.

    Raises ValueError unless they are few enough, and are read again as this very record.
    """
    body = _read_again(record)
    if len(body) > MAX_RECORD_BYTES:
        raise ValueError(
            f"the {record.type} of shard {record.shard} would be {len(body)} bytes; at most "
            f"{MAX_RECORD_BYTES} fit: commit more often, or report fewer files and metrics"
        )
    return body


def _read_again(record: Claim | Commit | Seal) -> bytes:
    """What nobody can read ends the shard, and with it the run: find it before it stands."""
    with contextlib.suppress(ValueError):
        body = record.model_dump_json().encode()
        if _ADAPTER.validate_json(body) == record:
            return body
    raise ValueError(
        f"{_culprit(record)} of the {record.type} of shard {record.shard} could not be read again: "
        "give values of JSON, nested less"
    )


def _culprit(record: Claim | Commit | Seal) -> str:
    """Which part of user code's it is that makes the record unreadable."""
    parts: dict[str, BaseModel] = {}
    if isinstance(record, _Body):
        parts |= {f"reducer {one.name!r}": one for one in record.reducers}
        parts |= {f"a metric of group {one.group!r}": one for one in record.metrics}
    for name, part in parts.items():
        try:
            check_readable(part.model_dump())
        except ValueError:
            return name
    return "a field"


def decode(body: bytes, *, shard: int, seq: int) -> Claim | Commit | Seal:
    """The record in `body`; it must be the one that belongs at `(shard, seq)`."""
    try:
        record = _ADAPTER.validate_json(body)
    except ValidationError as error:
        raise VerificationError(
            f"{record_key(shard, seq)} cannot be read: {error.errors()[0]['msg']}"
        ) from error
    if (record.shard, record.seq) != (shard, seq):
        raise VerificationError(
            f"record {seq} of shard {shard} says it is record {record.seq} of {record.shard}"
        )
    return record


def digest(body: bytes) -> str:
    """sha256 of stored bytes, in hex."""
    return hashlib.sha256(body).hexdigest()


def record_key(shard: int, seq: int) -> str:
    """Where record `seq` of `shard` stands, relative to the run folder."""
    return f"{ledger_prefix(shard)}{seq:08d}.json"


def ledger_prefix(shard: int) -> str:
    """What the keys of all records of a shard begin with."""
    return f"ledger/{shard:05d}/"


def data_prefix(shard: int, seq: int, nonce: str) -> str:
    """Folder of the files of the record that is to become `seq`: no other attempt can name it."""
    return f"data/{shard:05d}/{seq:08d}-{nonce}/"
