"""BatchProcessJob, batchprocess.dev/v1alpha1: the object, and what a job file holds."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from batchprocess.api.base import ApiModel
from batchprocess.api.notify.settings import Notify
from batchprocess.api.output import Output
from batchprocess.api.pods import Finalizer, Worker
from batchprocess.api.rules import JOB_RULES, SPEC_RULES
from batchprocess.api.scalars import (
    MAX_INT32,
    MAX_SHARDS,
    MUTABLE,
    Int32,
    JobName,
    NotNegative,
    Positive,
    QueueName,
    Reference,
    RunId,
    Text,
)
from batchprocess.api.spec_parts import (
    Dataloader,
    FailurePolicy,
    Input,
    Rows,
    Source,
    Storage,
    Timeouts,
)
from batchprocess.api.status import Status
from batchprocess.protocol.job_object import ApiVersion, Kind
from batchprocess.protocol.json_values import MAX_COUNT

Argument = Annotated[str, StringConstraints(max_length=32_768)]


class Spec(ApiModel):
    """What to run, over what, how far apart, and where to."""

    rules = SPEC_RULES

    image: Text | None = None
    """Container image that has batchprocess and the user's code, at most 1024 characters.
    Required on a cluster. Immutable."""
    source: Source | None = None
    """Code from a ConfigMap, for small scripts. Default: all code is in the image. Immutable."""
    command: list[Argument] = Field(default=[], max_length=256)
    """A script that calls torch_batch_process, and its arguments: at most 256 words. Required
    unless processor is given. Immutable."""
    processor: Reference | None = None
    """module:Class, a TorchBatchProcessor, at most 256 characters; with dataset or input, and
    without command. Its static method collate_fn, if it has one, makes batches of rows.
    Immutable."""
    dataset: Reference | None = None
    """module:function that returns the dataset and may take the hparams, at most 256 characters;
    with processor and without command or input. Immutable."""
    input: Input | None = None
    """Files that are the dataset, read without code; with processor and without command or
    dataset. Immutable."""
    rows: Rows = Rows()
    """Which rows of the dataset are processed. Default: all. Immutable, except skip."""
    shards: int = Field(default=1, ge=1, le=MAX_SHARDS)
    """Parts that the dataset is cut into, 1 to 10000: the unit of assignment and retry, so many
    more than parallelism. Default 1. Immutable."""
    parallelism: int = Field(default=1, ge=0, le=10_000, json_schema_extra=MUTABLE)
    """Worker pods at a time, 0 to 10000. Default 1. Mutable; with queueName only if
    elastic."""
    batch_size: Positive | None = None
    """Rows of a batch, 1 to 2147483647. Default: what the script says, else 1. Immutable."""
    checkpoint_interval: Positive | None = None
    """Batches between commits, 1 to 2147483647; a kill repeats at most two intervals of one
    shard. Default: what the script says, else 5. Immutable."""
    checkpoint_seconds: float | None = Field(default=None, gt=0, le=MAX_INT32)
    """Seconds since the last commit, above 0 and up to 2147483647, after which the batch that
    ends next is followed by a commit. Default: commits go by checkpointInterval alone.
    Immutable."""
    max_in_flight: Positive | None = None
    """Batches under way at a time in each worker, 1 to 2147483647; only of a processor with async
    def process_batch. Default: what the script says, else 2048 rows' worth, at least 2.
    Immutable."""
    run_id: RunId | None = None
    """Name of the run's folder, 1 to 64 of A-Z, a-z, 0-9 and ._-; a job with the same name, uri
    and runId goes on with that run. Default: the object's UID; without a cluster the latest run.
    Immutable."""
    max_batches: Int32 | None = None
    """Batches of each shard at most, up to 2147483647; 0 or less, or more than the shard has, is
    ignored with a warning. Default: no bound. Immutable."""
    dataloader: Dataloader = Dataloader()
    """How batches are read. Immutable."""
    hparams: dict[str, Any] = Field(default={}, max_length=256)
    """Free settings for the user's code, which get_hparams() returns: at most 256 keys, and 100
    KiB as JSON. Immutable."""
    seed: int | None = Field(default=None, ge=0, le=MAX_COUNT)
    """What random numbers of the run come from, 0 to 9007199254740991: before every batch the
    global generators are set from it and the batch's number. Default: drawn by the first worker,
    after its code has seeded them, and kept with the run. Immutable."""
    worker: Worker = Worker()
    """The pods that process shards. Immutable."""
    finalizer: Finalizer = Finalizer()
    """The pod that finishes the run. Mutable."""
    output: Output = Output()
    """Where outputs and ledgers live. Immutable."""
    storage: Storage = Storage()
    """How patient workers are with the store. Immutable."""
    failure_policy: FailurePolicy = FailurePolicy()
    """What to do when shards fail. Immutable, except maxBadRows."""
    timeouts: Timeouts = Timeouts()
    """Bounds in seconds. Immutable, except activeDeadlineSeconds."""
    ttl_seconds_after_finished: NotNegative | None = Field(default=None, json_schema_extra=MUTABLE)
    """Seconds after the end, 0 to 2147483647, when the job's pods and Jobs are deleted; the
    object itself stays. Default: they stay. Mutable."""
    suspend: bool = Field(default=False, json_schema_extra=MUTABLE)
    """Whether all workers are to commit and stop until it is false again. Default false.
    Mutable; must be false with queueName."""
    retry: int = Field(default=0, ge=0, le=1_000, json_schema_extra=MUTABLE)
    """Raise it, up to 1000, to run the shards of a failed job again that are not complete.
    Default 0. Mutable, may only grow, and not once the job is complete."""
    queue_name: QueueName | None = None
    """Kueue LocalQueue that admits the job, at most 63 characters. Default: the job starts at
    once. Immutable."""
    elastic: bool = False
    """Whether parallelism may change while Kueue has the job, as one of its elastic Jobs, which are
    alpha there; needs queueName. Default false. Immutable."""
    notify: Notify | None = None
    """Who is told when the job ends, fails, stalls or gets on. Default: nobody. Mutable."""
    profile: bool = False
    """Whether a trace of the first batches is written to the run's tensorboard folder. Default
    false. Immutable."""
    compile_cache: bool = True
    """Whether what a prepared model is compiled to is kept in the run's folder and loaded by later
    workers and attempts. Default true. Immutable."""


class Metadata(ApiModel):
    """The object's name; anything else that Kubernetes keeps here is let through."""

    model_config = ApiModel.model_config | {"extra": "ignore"}

    name: JobName
    """DNS label of at most 40 characters."""
    namespace: str | None = None
    """Namespace."""


class BatchProcessJob(ApiModel):
    """A job: a processor over a dataset, in shards, exactly once."""

    rules = JOB_RULES

    api_version: ApiVersion
    kind: Kind
    metadata: Metadata
    spec: Spec
    status: Status | None = None
    """How far the job is. Written by the operator alone."""
