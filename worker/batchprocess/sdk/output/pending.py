"""What user code has given since the last commit was cut, for the next one."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from batchprocess.protocol.bad_rows import BadRow
from batchprocess.protocol.bad_rows.bad_row import MAX_TRACEBACKS
from batchprocess.protocol.file_names import stem_of_table_file
from batchprocess.protocol.records import Commit, MetricEntry, ReducerEntry, Span
from batchprocess.protocol.run import LAYOUT, RunInfo
from batchprocess.protocol.spent import Spent
from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.output.commit_contents import CommitContents, check_names
from batchprocess.sdk.output.upload_files import Staging
from batchprocess.sdk.reduce.reducers import MetricReducer
from batchprocess.sdk.reduce.registered import RegisteredReducer
from batchprocess.sdk.reduce.stored_values import staged, value_of
from batchprocess.sdk.save.saver import Saver


@dataclass
class PendingOutputs:
    """Filled by user code through the context, emptied by the loop at every commit.

    `rows`: the dataset's rows in the batch that is being processed, None between batches; `batch`:
    those of them that it has, None where bad rows are not left out; `thread`: the one that
    processes it. `isolating`: that batch is one row of the loader's, tried alone; `on_trial`:
    nothing of what is handed over will ever count. `opens_blocks`: some batch has opened
    `upload_path()`; `used_by_threads`: threads of user code hand over.
    Threads of user code may report too: what one adds is in this commit or in the next.
    """

    staging: Staging
    saver: Saver
    rows: Sequence[int] | None = None
    batch: BatchInWork | None = None
    thread: int = field(default_factory=threading.get_ident)
    in_init: bool = True
    isolating: bool = False
    on_trial: bool = False
    opens_blocks: bool = False
    used_by_threads: bool = False
    reducers: list[RegisteredReducer] = field(default_factory=list)
    metrics: list[MetricEntry] = field(default_factory=list)
    models: list[dict[str, str]] = field(default_factory=list)
    bad_rows: dict[int, BadRow] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def save(self, name: str, columns: Mapping[str, Any], ids: Any, schema: Any) -> None:
        """Hand rows over to the encoder."""
        self.note_caller()
        self.saver.save(name, columns, ids, schema)

    @contextlib.contextmanager
    def block(self) -> Iterator[Path]:
        """A directory whose files are for the next commit."""
        self.note_block()
        with self.staging.block() as path:
            yield path

    def handed_out(self, reducer: MetricReducer) -> MetricReducer:
        """What user code gets of a reducer that was registered."""
        return reducer

    def add_metrics(self, entry: MetricEntry) -> None:
        """Keep one `report_metrics` call for the next commit."""
        self.note_caller()
        with self._lock:
            self.metrics.append(entry)

    def add_model(self, model: dict[str, str]) -> None:
        """Keep one `report_task_using_*` call for the next commit."""
        with self._lock:
            self.models.append(model)

    def add_bad_row(self, row: BadRow) -> None:
        """Keep a row that is left out for the commit of its batch; what is said first counts."""
        with self._lock:
            kept = row if len(self.bad_rows) < MAX_TRACEBACKS else row.brief()
            self.bad_rows.setdefault(row.row, kept)

    @property
    def batch_here(self) -> BatchInWork | None:
        """The batch in work, where bad rows are left out."""
        return self.batch

    @property
    def batch_number(self) -> int | None:
        """Run-wide, where each call has a batch of its own; None: the one in work."""
        return None

    @property
    def generators(self) -> dict[torch.device, torch.Generator] | None:
        """Those of the batch, where each call has a batch of its own; None: of the one in work."""
        return None

    @property
    def repeats(self) -> bool:
        """Whether what is handed over may have been so before: each row on trial is a batch."""
        return self.on_trial

    def note_block(self) -> None:
        """`upload_path()` is opened by this thread."""
        self.note_caller()
        self.opens_blocks = self.opens_blocks or self.rows is not None

    def note_caller(self) -> None:
        """Something is being handed over by this thread."""
        if threading.get_ident() != self.thread:
            self.used_by_threads = True

    def handed_over(self) -> int:
        """Grows with all that user code hands over, but for reducers, until the next cut."""
        return self.saver.calls + self.staging.blocks + self.reported()

    def reported(self) -> int:
        """Grows with metrics and models."""
        return len(self.metrics) + len(self.models)

    def cut_commit(
        self, batches: Span, positions: Span, spent: Spent | None = None, *, idle: bool = False
    ) -> CommitContents:
        """Everything since the last cut, copied, so that later batches change nothing.

        `positions`: of these batches in the run. `idle`: this attempt has processed no batch. A
        reducer that has no value for nothing (a mean, a maximum) then stores none.
        """
        files, saved = self.staging.cut_files(), self.saver.cut_files()
        if saved is not None:
            check_names(files.keys(), saved.names)
        with self._lock:
            metrics, self.metrics = self.metrics, []
            models, self.models = self.models, []
            # Those of the batch in work, or of one read ahead, belong to a later commit.
            bad_rows = tuple(one for one in self.bad_rows.values() if one.batch < batches[1])
            for one in bad_rows:
                del self.bad_rows[one.row]
        return CommitContents(
            batches=batches,
            rows=positions,
            files=files,
            saved=saved,
            spent=spent,
            reducers=tuple(staged(one) for one in self.reducers if not (idle and one.is_void())),
            metrics=tuple(metrics),
            models=tuple(models),
            bad_rows=bad_rows,
            in_folders=self.saver.tables.in_use,
        )

    def drop_from_init(self) -> None:
        """What `__init__` has given is in the shard's first commit, and this is not it."""
        files, saved = self.staging.cut_files(), self.saver.cut_files()
        CommitContents(
            (0, 0), (0, 0), files, saved, None, reducers=(), metrics=(), models=()
        ).discard()
        self.metrics.clear()
        for one in self.reducers:
            # Before `resume`: a state goes on from the last commit, and has theirs from the first.
            one.reducer.reset()

    @property
    def rows_here(self) -> Sequence[int] | None:
        """Of the batch, for the loop's thread only: one of the user's may be at another batch."""
        if self.rows is None or threading.get_ident() != self.thread:
            return None
        return self.rows if self.batch is None else self.batch.rows

    @property
    def rows_in_work(self) -> int | None:
        """How many rows the batch has that this thread processes; None if it processes none."""
        here = self.rows_here
        return None if here is None else len(here)

    def is_short(self, batch_size: int) -> bool:
        """Whether the batch in work has fewer rows than the others, as the last one may."""
        if self.rows is None:
            return False
        return len(self.rows if self.batch is None else self.batch.rows) < batch_size

    def begin(self, run: RunInfo, last: Commit | None = None) -> None:
        """Keep files where this run keeps them; `last`: the commit that this attempt goes on from.

        A run that was begun before there were tables ends without.
        """
        self.saver.tables.in_use = run.layout == LAYOUT
        if last is not None:
            saved = [one.name for one in last.files if stem_of_table_file(one.key) is not None]
            self.saver.tables.add(saved)

    def resume(self, stored: Iterable[ReducerEntry], load: Callable[[str], bytes]) -> None:
        """Give `state` reducers what the shard's last commit holds."""
        by_name = {entry.name: entry for entry in stored}
        for one in self.reducers:
            if one.key in by_name and one.kind == "state":
                one.resume(value_of(by_name[one.key], load))
