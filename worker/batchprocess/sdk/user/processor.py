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

    With `async def process_batch` up to `maxInFlight` batches are under way at a time, on one event
    loop, for engines that want many requests at once: see docs/concurrent-batches.md.
    """

    # On the class and no data descriptor, so that a subclass may assign its own profiler.
    profiler: Any = NoProfiler()

    @abstractmethod
    def __init__(self, context: "TorchBatchProcessorContext") -> None:
        """Build the model. `context` has what the job knows: device, hparams, upload_path, ..."""

    async def on_start(self) -> None:
        """Only where `process_batch` is `async def`: start engines, on the event loop.

        Before the first batch, of which none is under way, and before `on_finish` if there is none
        left.
        """

    @abstractmethod
    def process_batch(self, batch: Any, batch_idx: int) -> Any:
        """Process one batch, on the CPU as the data loader made it.

        batch: what the loader's collate function makes of at most `batch_size` items; of tensors
        of shape S one of shape (rows, *S), of the readers' rows a dict of columns.
        batch_idx: counts from 0 within the shard, also after a restart.

        What it returns is dropped: results are handed over by the context. Called at most once per
        batch on one object, and whatever is tried again is tried by a new process; but where bad
        rows are left out, again for a batch that raises, with one row of it at a time.
        """

    def on_checkpoint_start(self) -> Any:
        """Write what was computed since the last checkpoint, by `context.upload_path()`.

        Beside an `async def process_batch` it may be written as `(self, first, end)`, and is told
        which batches the commit has; it hands nothing over there, for more may be finished.
        """

    def on_finish(self) -> Any:
        """All batches of the shard are committed. What is uploaded here belongs to the seal.

        May run again in a new attempt, on a processor that has seen no batch, if this one dies
        before the seal; exactly one run of it counts. So keep nothing for it that is not in a
        reducer.
        """
