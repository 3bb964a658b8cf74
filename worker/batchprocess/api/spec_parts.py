"""The small nested parts of a job's spec. Every docstring says range, default and mutability."""

from typing import Literal

from pydantic import Field

from batchprocess.api.base import ApiModel, Rule
from batchprocess.api.scalars import (
    MAX_INT32,
    MUTABLE,
    ColumnName,
    NotNegative,
    NotNegativeCount,
    ObjectName,
    Percent,
    Positive,
    Seconds,
    Text,
)
from batchprocess.protocol.rows.settings import MAX_SKIPPED


class Dataloader(ApiModel):
    """Options of torch's DataLoader that do not change which rows a batch has."""

    num_workers: int | None = Field(default=None, ge=0, le=256)
    """Loader processes of each child, 0 to 256; 0 reads in the child itself. Default: what the
    script says, else 0. Immutable."""
    prefetch_factor: Positive | None = None
    """Batches that each loader process reads ahead, 1 to 2147483647; only with loader processes.
    Default: what the script says, else torch's. Immutable."""
    pin_memory: bool | None = None
    """Whether batches are read into page-locked host memory. Default: what the script says, else
    false. Immutable."""
    persistent_workers: bool | None = None
    """Whether loader processes outlive the dataset's end. Default: what the script says, else
    false. Immutable."""
    timeout: NotNegative | None = None
    """Seconds to wait for a batch from a loader process, 0 to 2147483647; 0 waits for ever.
    Default: what the script says, else 0. Immutable."""


class FailurePolicy(ApiModel):
    """What to do when shards fail."""

    rules = (
        Rule(
            "!has(self.maxBadRows) || self.onBadRow == 'skip'",
            "spec.failurePolicy.maxBadRows goes with onBadRow: skip: give both, or none",
            lambda policy: policy.max_bad_rows is None or policy.on_bad_row == "skip",
            field=".maxBadRows",
        ),
    )

    max_retries_per_shard: int = Field(default=3, ge=0, le=MAX_INT32)
    """Counted failures of a shard, 0 to 2147483647, after which one more makes it fail. Crashes,
    out-of-memory kills and user exceptions count; eviction, preemption, drain, deletion, suspend
    and scale-down do not. Default 3. Immutable."""
    max_failed_shards: int | None = Field(default=None, ge=0, le=10_000)
    """Failed shards that are tolerated, 0 to 10000: with more the job fails at once, with fewer
    it ends CompleteWithFailures. Default: all other shards run to their end, and then the job
    fails if any has failed. Immutable."""
    max_attempts_without_progress: int | None = Field(default=30, ge=1, le=MAX_INT32)
    """Attempts in a row without a commit, for whatever reason, after which a shard has failed, 1
    to 2147483647; null means no limit. Default 30. kubectl apply leaves a null out, so that there
    2147483647 has to stand for it. Immutable."""
    lost_node_seconds: int | None = Field(default=300, ge=0, le=MAX_INT32)
    """Seconds past its grace period, 0 to 2147483647, after which a pod on a node that is gone or
    unreachable is given up and replaced; null means never. Default 300. kubectl apply leaves a
    null out, so that there 2147483647 has to stand for it. Immutable."""
    on_batch_error: Literal["retry", "fail"] = "retry"
    """Whether a shard is tried again after an exception of user code, or fails at once. One of
    retry and fail. Default retry. Immutable."""
    on_bad_row: Literal["fail", "skip"] = "fail"
    """Whether a row that cannot be read or processed ends the attempt, or is left out and named.
    One of fail and skip. Default fail. Immutable."""
    max_bad_rows: NotNegativeCount | Percent | None = Field(default=None, json_schema_extra=MUTABLE)
    """Rows that may be left out of the run, 0 to 9007199254740991, or such as 0.5% of its rows,
    which is 1 at least; with more the job fails. Only with onBadRow skip. Default 1%. Mutable: it
    holds for pods that start from then on."""


class Timeouts(ApiModel):
    """Bounds in seconds."""

    start_seconds: Seconds = 900
    """Seconds from a child process's start to its first batch, the time in which it lists and
    counts its input left out, and from the Job's creation or resumption to its first running pod;
    1 to 2147483647. Default 900. Immutable."""
    stall_seconds: Seconds = 600
    """Seconds without a finished batch after which a child process is killed and its shard tried
    again, 1 to 2147483647; each hook has as long. Waiting for storage does not count. Default
    600. Immutable."""
    active_deadline_seconds: Seconds | None = Field(default=None, json_schema_extra=MUTABLE)
    """Seconds that the job may run before it fails, 1 to 2147483647. Default: no bound.
    Mutable."""


class Storage(ApiModel):
    """How patient workers are with the store."""

    deadline_seconds: Seconds = 600
    """Seconds, 1 to 2147483647, that a worker tries again a store that refuses, is full or cannot
    be reached, before its pod ends and is replaced, which is not counted as a failure. Default
    600. Immutable."""


class Input(ApiModel):
    """Files that are the dataset: each line, row or file of them is a row."""

    uri: Text
    """Path, folder, glob or s3:// address (a folder's ends in /), or @ and the path of a file with
    one of these a line; at most 1024 characters. Buckets are reached with output's endpoint and
    credentials. Required. Immutable."""
    format: Literal["text", "jsonl", "csv", "tsv", "parquet", "tar", "files"] | None = None
    """What a row is: text and jsonl a line, csv, tsv and parquet a row, tar a sample, files a
    whole file. One of text, jsonl, csv, tsv, parquet, tar and files. Default: by the uri's suffix.
    Immutable."""
    columns: list[ColumnName] | None = Field(default=None, min_length=1, max_length=1024)
    """Columns that are read, 1 to 1024; not with text and files. Default: all. Immutable."""
    id: ColumnName | None = None
    """Column whose values, texts or integers, are the rows' ids, 1 to 1024 characters; one of
    columns, if these are given. Default: a row's id is its file's key and its number in there.
    Immutable."""
    new_since: Text | None = None
    """A complete run, by its address or, of this very job's folder, its id, at most 1024
    characters: files that it, and those it was itself new since, have listed are left out.
    Default: all files. Immutable."""


class Rows(ApiModel):
    """Which rows of the dataset are processed, if not all."""

    rules = (
        Rule(
            "!has(self.badRowsOf) || !self.badRowsOf.contains('/') || "
            "self.badRowsOf.contains('://') || self.badRowsOf.startsWith('/')",
            "spec.rows.badRowsOf must be a run's id, an absolute path, or an address",
            lambda rows: is_run_name(rows.bad_rows_of),
            field=".badRowsOf",
        ),
    )

    bad_rows_of: Text | None = None
    """A complete run over the same dataset, by its address or, of this very job's folder, its id,
    at most 1024 characters: only the rows that it has left out are processed, under the numbers
    and ids that they have there. Default: all rows. Immutable."""
    skip: list[NotNegativeCount] = Field(
        default=[], max_length=MAX_SKIPPED, json_schema_extra=MUTABLE
    )
    """Numbers of rows, counted from 0 in the dataset, that are left out by hand: at most 1000. For
    rows that end a whole process, which onBadRow cannot name. They count as done where their batch
    is committed, and as no bad rows. A change reaches workers that are started after it, as by
    retry. Default: none. Mutable."""


def is_run_name(name: str | None) -> bool:
    """Whether it names a run wherever one stands."""
    return name is None or "/" not in name or "://" in name or name.startswith("/")


class Source(ApiModel):
    """Code that is not in the image."""

    config_map: ObjectName
    """Name of a ConfigMap in the job's namespace with the files; mounted read-only at
    /batchprocess/source, which is the working directory. Required. Immutable."""
    on_change: Literal["tell", "fail"] = "tell"
    """What becomes of a worker that is started with other files than the run was begun with: tell
    says so in condition SourceChanged, fail ends it, to be tried again. One of tell and fail.
    Default tell. Immutable."""
