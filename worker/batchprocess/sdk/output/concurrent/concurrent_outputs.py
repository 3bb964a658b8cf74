"""What user code has given since the last commit, where batches run beside one another."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from batchprocess.protocol.records import MetricEntry
from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs
from batchprocess.sdk.output.concurrent.current_batch import CURRENT
from batchprocess.sdk.output.concurrent.recorded_reducer import RecordedReducer
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.reduce.reducers import MetricReducer
from batchprocess.sdk.save.aside.aside_saver import AsideSaver

_HINT = (
    "hand results over in the task of process_batch, in those that it starts, or in threads by "
    "asyncio.to_thread, which take their batch along"
)


@dataclass
class ConcurrentOutputs(PendingOutputs):
    """A call belongs to the batch whose task makes it, and waits with that for its turn.

    `aside`: the same saver. `direct`: what belongs to no batch is for the next commit: in
    `__init__`, where there are no batches yet, and in `on_finish`, where all have ended.
    """

    aside: AsideSaver = field(kw_only=True)
    direct: bool = field(default=True, kw_only=True)

    def here(self, call: str) -> BatchOutputs | None:
        """The batch that `call` belongs to; None: hand it on at once. RuntimeError says why not."""
        found = CURRENT.get()
        if isinstance(found, BatchOutputs):
            found.require_under_way(call)
            return found
        if self.direct:
            return None
        if found is not None:
            raise RuntimeError(
                f"{call} in {found} would belong to no batch, and batches that no commit has yet "
                f"are under way: {_HINT}; or do it in on_finish"
            )
        raise RuntimeError(f"{call} is called where there is no batch: {_HINT}")

    def save(self, name: str, columns: Mapping[str, Any], ids: Any, schema: Any) -> None:
        """Of the batch, or at once."""
        batch = self.here("save")
        if batch is None:
            super().save(name, columns, ids, schema)
        else:
            batch.save(self.aside, name, columns, ids, schema)

    @contextlib.contextmanager
    def block(self) -> Iterator[Path]:
        """Of the batch, or at once."""
        batch = self.here("upload_path")
        kept = None if batch is None else batch.add_block
        with self.staging.block(kept) as path:
            yield path

    def add_metrics(self, entry: MetricEntry) -> None:
        """Of the batch, or at once; so it is in `on_checkpoint_start`."""
        batch = None if self._in_checkpoint() else self.here("report_metrics")
        if batch is None:
            super().add_metrics(entry)
        else:
            batch.add_metrics(entry)

    def add_model(self, model: dict[str, str]) -> None:
        """As `add_metrics`."""
        batch = None if self._in_checkpoint() else self.here("report_task_using_...")
        if batch is None:
            super().add_model(model)
        else:
            batch.add_model(model)

    def handed_out(self, reducer: MetricReducer) -> MetricReducer:
        """Keeps values with their batch."""
        return RecordedReducer(reducer, self.here)

    @property
    def rows_here(self) -> Sequence[int] | None:
        """Of the batch of this task."""
        found = CURRENT.get()
        return found.rows if isinstance(found, BatchOutputs) and not found.ended else None

    @property
    def batch_here(self) -> BatchInWork | None:
        """The same, with what was said of its rows."""
        found = CURRENT.get()
        return found.work if isinstance(found, BatchOutputs) else None

    @property
    def batch_number(self) -> int | None:
        """Of the batch of this task, run-wide; None in a hook. RuntimeError elsewhere."""
        found = CURRENT.get()
        if isinstance(found, BatchOutputs):
            return found.number
        if found is None and not self.direct:
            raise RuntimeError(f"there is no batch here whose seed could be told: {_HINT}")
        return None

    @property
    def generators(self) -> dict[torch.device, torch.Generator] | None:
        """Those that the batch has asked for."""
        found = CURRENT.get()
        return found.generators if isinstance(found, BatchOutputs) else None

    @property
    def repeats(self) -> bool:
        """Whether the batch is a row that is tried again."""
        found = CURRENT.get()
        return isinstance(found, BatchOutputs) and found.alone

    def is_short(self, batch_size: int) -> bool:
        """Whether the batch of this task has fewer rows than the others."""
        here = self.rows_here
        return here is not None and len(here) < batch_size

    @staticmethod
    def _in_checkpoint() -> bool:
        return CURRENT.get() == "on_checkpoint_start"
