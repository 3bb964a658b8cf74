"""The class that users subclass."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from batchprocess.sdk.user.profiler import NoProfiler

if TYPE_CHECKING:
    from batchprocess.sdk.user.context import TorchBatchProcessorContext


class TorchBatchProcessor(ABC):
    """User code of a job: one object per attempt on a shard.

    Call order: `__init__`, then for every batch `process_batch`, with `on_checkpoint_start` at
    every checkpoint, and `on_finish` once at the end. After an interruption a new object goes on
    behind the last commit, so keep results only until the next `on_checkpoint_start`.
    `super().__init__()` need not be called.
    """

    # On the class and no data descriptor, so that a subclass may assign its own profiler.
    profiler: Any = NoProfiler()

    @abstractmethod
    def __init__(self, context: "TorchBatchProcessorContext") -> None:
        """Build the model. `context` has what the job knows: device, hparams, upload_path, ..."""

    @abstractmethod
    def process_batch(self, batch: Any, batch_idx: int) -> None:
        """Process one batch, on the CPU as the data loader made it.

        batch: what the loader's collate function makes of at most `batch_size` items; of tensors
        of shape S one of shape (rows, *S), of the readers' rows a dict of columns.
        batch_idx: counts from 0 within the shard, also after a restart.

        What it returns is dropped: results are handed over by the context. Called at most once per
        batch on one object, and whatever is tried again is tried by a new process; but where bad
        rows are left out, again for a batch that raises, with one row of it at a time.
        """

    def on_checkpoint_start(self) -> None:
        """Write what was computed since the last checkpoint, by `context.upload_path()`."""

    def on_finish(self) -> None:
        """All batches of the shard are committed. What is uploaded here belongs to the seal.

        May run again in a new attempt, on a processor that has seen no batch, if this one dies
        before the seal; exactly one run of it counts. So keep nothing for it that is not in a
        reducer.
        """
