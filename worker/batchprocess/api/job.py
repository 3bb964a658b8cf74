"""BatchProcessJob, batchprocess.dev/v1alpha1 (design section 8)."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from batchprocess.api.base import ApiModel
from batchprocess.api.parts import (
    MAX_INT32,
    Dataloader,
    FailurePolicy,
    Finalizer,
    Output,
    Source,
    Timeouts,
    Worker,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=40)]
RunId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^[\w.]+:[\w.]+$", max_length=256)]


class Spec(ApiModel):
    """What to run, over what, how far apart, and where to."""

    image: str | None = None
    """Container image with the user's code; required on a cluster."""
    source: Source | None = None
    """Code from a ConfigMap."""
    command: list[str] = Field(default=[], max_length=256)
    """A script that calls torch_batch_process; instead of processor and dataset."""
    processor: Reference | None = None
    """module:Class, a TorchBatchProcessor."""
    dataset: Reference | None = None
    """module:function that returns the dataset; may take the hparams."""
    shards: int = Field(default=1, ge=1, le=10_000)
    """Fixed number of shards; many more than parallelism. Immutable."""
    parallelism: int = Field(default=1, ge=0, le=10_000)
    """Workers at a time. Mutable."""
    batch_size: int | None = Field(default=None, ge=1)
    """Rows of a batch. Immutable."""
    checkpoint_interval: int | None = Field(default=None, ge=1)
    """Batches between commits; 5 if given nowhere."""
    checkpoint_seconds: float | None = Field(default=None, gt=0)
    """Also commit after the first batch that ends this long after the last commit."""
    run_id: RunId | None = None
    """Pins the run; default: the object's UID, locally the latest run."""
    max_batches: int | None = None
    """Bound per shard."""
    dataloader: Dataloader = Dataloader()
    """How batches are read."""
    hparams: dict[str, Any] = {}
    """Passed to user code by get_hparams()."""
    worker: Worker = Worker()
    """The pods that process shards."""
    finalizer: Finalizer = Finalizer()
    """The pod that finishes the run."""
    output: Output = Output()
    """Where outputs and ledgers live."""
    failure_policy: FailurePolicy = FailurePolicy()
    """What to do when shards fail."""
    timeouts: Timeouts = Timeouts()
    """Bounds in seconds."""
    ttl_seconds_after_finished: int | None = Field(default=None, ge=0, le=MAX_INT32)
    """Child Jobs and pods are deleted this long after the end. Mutable."""
    suspend: bool = False
    """Commit and stop all workers. Mutable."""
    retry: int = Field(default=0, ge=0, le=1_000)
    """Raise it to run failed shards again. Mutable, may only grow."""
    queue_name: str | None = None
    """Kueue queue."""
    profile: bool = False
    """Write a trace of the first batches to the run's tensorboard folder."""

    @model_validator(mode="after")
    def _one_way_to_run(self) -> Self:
        if (self.processor is None) != (self.dataset is None):
            given, missing = (
                ("processor", "dataset") if self.processor else ("dataset", "processor")
            )
            raise ValueError(f"{given} is given without {missing}: give both, or a command")
        if bool(self.command) == (self.processor is not None):
            raise ValueError("give either command, or processor and dataset")
        return self


class Metadata(ApiModel):
    """The object's name; anything else that Kubernetes keeps here is let through."""

    model_config = ApiModel.model_config | {"extra": "ignore"}

    name: Name
    """DNS label of at most 40 characters."""
    namespace: str | None = None
    """Namespace."""


class BatchProcessJob(ApiModel):
    """A job: a processor over a dataset, in shards, exactly once."""

    api_version: Literal["batchprocess.dev/v1alpha1"]
    kind: Literal["BatchProcessJob"]
    metadata: Metadata
    spec: Spec
    status: dict[str, Any] | None = None
