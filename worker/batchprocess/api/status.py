"""The status of a BatchProcessJob: what the operator tells people and tools. It alone writes it.

Everything here is derived: from child Jobs, termination messages and reports. Storage has the
truth; a status that was lost is made again, except for what only reports had told.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from batchprocess.api.base import StatusModel
from batchprocess.api.notify.outbox import Notifications
from batchprocess.api.scalars import Count, Counts, LongText, Ranges, ShortText

MAX_ROWS = 200
State = Literal[
    "Pending",
    "Queued",
    "Running",
    "Suspended",
    "Finalizing",
    "Complete",
    "CompleteWithFailures",
    "Failed",
]


class Condition(StatusModel):
    """One fact about the job, as metav1.Condition."""

    type: str = Field(pattern=r"^[A-Za-z]([A-Za-z0-9]*[A-Za-z0-9])?$", max_length=316)
    """Which fact: Running, Suspended, Progressing, PodsStarting, PodsFailed, WaitingForNode,
    NameConflict, Degraded, MetricsReduced, UnknownFields, SourceChanged, BadRows,
    NotificationsFailed, Complete, Failed, Reconciling, Stalled."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    observed_generation: Count | None = None
    """metadata.generation of the spec that this was said of."""
    last_transition_time: datetime
    """When `status` last changed."""
    reason: str = Field(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=1024)
    """Why, as one word for programs."""
    message: str = Field(max_length=32768)
    """Why, as a sentence for people; may be empty."""


class ShardCounts(StatusModel):
    """How many shards are in which state; the last four add up to the first."""

    total: Count = 0
    """spec.shards."""
    succeeded: Count = 0
    """Sealed as complete, as far as pods have said or ended with 0."""
    running: Count = 0
    """Being worked on by a pod."""
    failed: Count = 0
    """Given up, or closed as failed by the finalizer."""
    pending: Count = 0
    """Neither of the others: waiting for a worker."""


class BatchCounts(StatusModel):
    """Batches of all shards."""

    done: Count = 0
    """Committed batches."""
    total: Count | None = None
    """All batches; absent until a worker has counted the dataset."""


class DatasetShape(StatusModel):
    """What a worker said of the dataset."""

    rows: Count
    """Rows of the dataset."""
    batches: Count
    """Batches of the dataset before spec.maxBatches bounds them."""
    batch_size: Count
    """Rows of a batch."""


class ShardProgress(StatusModel):
    """One shard that is being worked on, or that has failed."""

    shard: Count
    """Number of the shard, from 0."""
    cursor: Count
    """Committed batches."""
    total: Count | None = None
    """Batches of the shard; absent until a worker has counted the dataset."""
    state: Literal["running", "failed"]
    """Why it is in this list."""
    attempts: Count = 0
    """Pods seen to have started on it; a lower bound after an outage of the operator."""
    last_commit_time: datetime | None = None
    """When a commit of it was last heard of."""


class Display(StatusModel):
    """Texts for the columns of kubectl get; for people, not for programs."""

    progress: ShortText | None = None
    """Batches done of all: 421/1000."""
    shards: ShortText | None = None
    """Shards succeeded of all: 38/64."""
    rate: ShortText | None = None
    """Rows a second: 1.2k/s."""
    eta: ShortText | None = None
    """Time to the end: 12m."""
    reason: ShortText | None = None
    """What has ended the job, or stands in its way: Unschedulable."""


class Status(StatusModel):
    """How far the job is."""

    observed_generation: Count | None = None
    """metadata.generation of the spec that this status is about."""
    state: State | None = None
    """Pending, Queued (by Kueue), Running, Suspended, Finalizing, or one of the final states
    Complete, CompleteWithFailures and Failed."""
    retry: Count = 0
    """spec.retry that the state is about: a greater one in the spec is not yet acted on."""
    conditions: list[Condition] = Field(
        default=[],
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "maxItems": 64,
        },
    )
    """What holds of the job, one entry a type."""
    run_id: ShortText | None = None
    """The run that this job works on: spec.runId, or the object's UID."""
    output_uri: LongText | None = Field(default=None, alias="outputURI")
    """The run's folder in storage."""
    start_time: datetime | None = None
    """When a worker first ran."""
    completion_time: datetime | None = None
    """When the job reached its final state."""
    shards: ShardCounts | None = None
    """Shards by state."""
    batches: BatchCounts | None = None
    """Committed and all batches."""
    rows: Count | None = None
    """Rows of the committed batches, those that were left out among them."""
    bad_rows: Count | None = None
    """Rows that were left out of them; absent where none was heard of. Until the run is final
    there may be more: of shards whose pods are gone nothing is heard any more."""
    dataset: DatasetShape | None = None
    """Size of the dataset, once a worker has said it."""
    rate: Annotated[float, Field(ge=0)] | None = None
    """Rows a second that are being committed, smoothed."""
    eta: datetime | None = None
    """When the last shard is estimated to end."""
    sealed_shards: Ranges | None = None
    """Complete shards as ranges, 0-11,13: those of pods that ended with 0. A retry leaves them
    out."""
    sealed_by: Literal["exitCode"] | None = None
    """What sealedShards follows. Where it is absent an older operator wrote it, which believed
    pods' words too, and a retry works on all shards again."""
    failed_shards: Ranges | None = None
    """Failed shards as ranges."""
    pending_shards: Ranges | None = None
    """Waiting shards as ranges."""
    cursors: Counts | None = None
    """Committed batches of every shard in order, separated by commas."""
    claims: Counts | None = None
    """Sequence number of the newest claim heard of, for every shard in order, separated by
    commas. Reports of an older claim are ignored."""
    shard_progress: list[ShardProgress] = Field(default=[], max_length=MAX_ROWS)
    """Running and failed shards, at most 200 of them."""
    metrics: dict[str, Any] | None = Field(default=None, json_schema_extra={"maxProperties": 1_024})
    """Results of the reducers, at most 3 KiB; summary.json has all of them."""
    metrics_error: LongText | None = None
    """Why the metrics could not be reduced; the outputs count nevertheless."""
    attempts: Count | None = None
    """Pods seen to have started; a lower bound after an outage of the operator."""
    lost_work: Count | None = None
    """Batches that were processed and lost with an attempt before they were committed. An
    estimate from the last that each ended attempt told."""
    literal: bool | None = None
    """True where $ in the job reaches its pods as it is, as in a local run. Absent without any $,
    and for a run begun by an operator in whose pods Kubernetes still expanded $(NAME) and $$."""
    notifications: Notifications | None = None
    """What becomes of the messages that spec.notify asks for; absent until there was one."""
    replicas: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """Running worker pods; what kubectl scale and autoscalers read."""
    selector: ShortText | None = None
    """Label selector of the worker pods; what autoscalers read."""
    display: Display | None = None
    """Texts for the columns of kubectl get."""
