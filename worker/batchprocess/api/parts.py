"""The nested parts of a job's spec."""

from typing import Annotated, Any, Literal

from pydantic import Field

from batchprocess.api.base import ApiModel

MAX_INT32 = 2**31 - 1
Seconds = Annotated[int, Field(ge=1, le=MAX_INT32)]


class Dataloader(ApiModel):
    """Options of torch's DataLoader that do not change which rows a batch has."""

    num_workers: int = Field(default=0, ge=0, le=256)
    """Loader processes of each child."""
    prefetch_factor: int | None = Field(default=None, ge=1)
    """Batches that each loader process reads ahead."""
    pin_memory: bool | None = None
    """Page-locked host memory for batches."""
    persistent_workers: bool | None = None
    """Keep loader processes alive."""
    timeout: int | None = Field(default=None, ge=0)
    """Seconds to wait for a batch; 0 waits for ever."""


class Worker(ApiModel):
    """The pods that process shards."""

    gpus: int = Field(default=0, ge=0, le=64)
    """GPUs of a pod."""
    processes_per_worker: int = Field(default=1, ge=1, le=16)
    """Children of a pod, one consecutive shard and one GPU each."""
    python: str = "python"
    """Interpreter that has batchprocess, in the image."""
    template: dict[str, Any] = {}
    """Pod template merged under what the operator owns."""


class Finalizer(ApiModel):
    """The pod that turns complete ledgers into manifest, summary and _SUCCESS."""

    gpus: int = Field(default=0, ge=0, le=64)
    """GPUs of the pod; reducers rarely need one."""
    resources: dict[str, Any] = {}
    """Container resources."""
    node_selector: dict[str, str] = {}
    """Labels of nodes that may run it."""
    tolerations: list[dict[str, Any]] = []
    """Tolerations of the pod."""


class S3(ApiModel):
    """How to reach an S3-compatible store."""

    endpoint: str | None = None
    """URL; default: AWS."""
    region: str | None = None
    """Region; default: the AWS chain's."""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """Bucket in the path or in the host name."""
    checksums: Literal["whenRequired", "always"] | None = None
    """Checksums in requests; default: whenRequired with an endpoint, else always."""
    credentials_secret: str | None = None
    """Secret with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and optional AWS_SESSION_TOKEN."""
    ca_bundle_config_map: str | None = None
    """ConfigMap with key ca.crt (PEM)."""


class Output(ApiModel):
    """Where outputs and ledgers live."""

    uri: str | None = Field(default=None, min_length=1, max_length=1024)
    """s3://bucket/prefix, file:///abs or a path; locally batchprocess-runs beside the job."""
    s3: S3 = S3()
    """Settings for s3 addresses."""
    fencing: Literal["required", "none"] = "required"
    """none: run on a store without conditional writes, at least once instead of exactly once."""


class FailurePolicy(ApiModel):
    """What to do when shards fail."""

    max_retries_per_shard: int = Field(default=3, ge=0, le=MAX_INT32)
    """Counted failures of a shard before it has failed."""
    max_failed_shards: int | None = Field(default=None, ge=0, le=10_000)
    """Failed shards that are tolerated; null: all others run to their end, then Failed."""
    max_attempts_without_progress: int | None = Field(default=30, ge=1, le=MAX_INT32)
    """Attempts in a row without a commit before a shard has failed; null: no limit."""
    lost_node_seconds: int | None = Field(default=300, ge=0, le=MAX_INT32)
    """Seconds past its grace before a pod on a lost node is given up."""
    on_batch_error: Literal["retry", "fail"] = "retry"
    """Whether an exception of user code is retried."""


class Timeouts(ApiModel):
    """Bounds in seconds."""

    start_seconds: Seconds = 900
    """From a child's start to its first batch."""
    stall_seconds: Seconds = 600
    """Between two finished batches; each hook has as long."""
    active_deadline_seconds: Seconds | None = None
    """Whole job; null: none. Mutable."""


class Source(ApiModel):
    """Code that is not in the image."""

    config_map: str
    """Mounted read-only at /batchprocess/source, the working directory."""
