"""What one batch has handed over by now, while others run beside it."""

import copy
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from batchprocess.protocol.bad_rows import BadRow
from batchprocess.protocol.records import MetricEntry
from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.output.concurrent.guarded_reducer import give
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.reduce.reducers import MetricReducer
from batchprocess.sdk.save.aside.aside_saver import AsideSaver
from batchprocess.sdk.save.aside.rows_aside import RowsAside

Update = tuple[MetricReducer, tuple[Any, ...], dict[str, Any]]


@dataclass
class BatchOutputs:
    """Of batch `index` of the shard. It counts whole, or it is dropped.

    `number`: run-wide. `work`: its rows, and which of them have failed. `alone`: it is one row,
    tried alone. Threads of user code may hand over, if they run in the batch's context.
    """

    index: int
    number: int
    work: BatchInWork
    alone: bool = False
    ended: bool = False
    half_counted: bool = False
    bad_rows: list[BadRow] = field(default_factory=list)
    saved: list[RowsAside] = field(default_factory=list)
    metrics: list[MetricEntry] = field(default_factory=list)
    models: list[dict[str, str]] = field(default_factory=list)
    blocks: list[Path] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    generators: dict[torch.device, torch.Generator] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def rows(self) -> Sequence[int]:
        """The dataset's rows in it."""
        return self.work.rows

    def require_under_way(self, call: str) -> None:
        """Raise RuntimeError if the batch has ended: what comes later would be in no commit."""
        if self.ended:
            raise RuntimeError(
                f"{call} belongs to batch {self.index}, which has ended: await all that a batch "
                "starts before its process_batch returns"
            )

    def save(
        self, saver: AsideSaver, name: str, columns: Mapping[str, Any], ids: Any, schema: Any
    ) -> None:
        """Copy rows, for the batch's commit."""
        aside = saver.set_aside(name, columns, ids, schema)
        with self._lock:
            if not self.ended:
                self.saved.append(aside)
                return
        saver.drop(aside)  # it has ended while a thread of its own was saving
        self.require_under_way("save")

    def update(
        self, reducer: MetricReducer, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        """Copy what a reducer is given."""
        try:
            copied = copy.deepcopy((tuple(args), dict(kwargs)))
        except Exception as error:
            raise TypeError(
                f"update of a reducer takes numbers, arrays, tensors and what else can be copied "
                f"({type(error).__name__}: {error:.200})"
            ) from error
        self._keep(self.updates, (reducer, *copied), "update of a reducer")

    def add_metrics(self, entry: MetricEntry) -> None:
        """Keep one `report_metrics` call."""
        self._keep(self.metrics, entry, "report_metrics")

    def add_model(self, model: dict[str, str]) -> None:
        """Keep one `report_task_using_*` call."""
        self._keep(self.models, model, "report_task_using_...")

    def add_block(self, folder: Path) -> None:
        """Keep the files of one `upload_path()` block."""
        try:
            self._keep(self.blocks, folder, "upload_path")
        except RuntimeError:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _keep(self, where: list[Any], what: Any, call: str) -> None:
        with self._lock:
            self.require_under_way(call)
            where.append(what)

    def end(self) -> None:
        """Its coroutine is over: nothing is taken from now on."""
        with self._lock:
            self.ended = True

    def count(self, pending: PendingOutputs, saver: AsideSaver) -> None:
        """Hand all of it on, to be in the next commit; the batches before have done so.

        Raises what is wrong with it beside those, and nothing is handed on then; but a reducer that
        raises may have taken some of it in: then `half_counted` says that nothing may be committed.
        """
        pending.staging.adopt(self.blocks)
        try:
            saver.append(self.saved)
        except BaseException:
            pending.staging.give_up(self.blocks)
            raise
        self.half_counted = True
        for reducer, args, kwargs in self.updates:
            give(reducer, args, kwargs)
        self.half_counted = False
        pending.metrics.extend(self.metrics)
        pending.models.extend(self.models)
        for bad in self.bad_rows:
            pending.add_bad_row(bad)

    def take(self, other: "BatchOutputs") -> None:
        """What another has handed over, a row of this batch, is this one's too."""
        self.saved += other.saved
        self.metrics += other.metrics
        self.models += other.models
        self.blocks += other.blocks
        self.updates += other.updates

    def drop(self, saver: AsideSaver) -> None:
        """It does not count."""
        self.end()
        for aside in self.saved:
            saver.drop(aside)
        for folder in self.blocks:
            shutil.rmtree(folder, ignore_errors=True)
        for kept in (self.saved, self.blocks, self.metrics, self.models, self.updates):
            kept.clear()
