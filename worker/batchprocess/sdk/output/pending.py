"""What user code has handed over since the last commit boundary; the next commit takes it."""

import shutil
import threading
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from batchprocess.ledger.attempt import Draft, StagedReducer
from batchprocess.protocol.records import MetricEntry, ReducerEntry, Span
from batchprocess.protocol.spent import Spent
from batchprocess.sdk.output.upload_files import Staging, describe
from batchprocess.sdk.reduce.reducers import RegisteredReducer
from batchprocess.sdk.reduce.stored_values import staged, value_of
from batchprocess.sdk.save.saver import SavedFiles, Saver


@dataclass
class PendingOutputs:
    """Filled by user code through the context, emptied by the loop at every boundary.

    `rows`: the dataset's rows in the batch that is being processed, None between batches; `thread`:
    the one that processes it.
    Threads of user code may report too: what one adds is in this commit or in the next.
    """

    staging: Staging
    saver: Saver
    rows: Span | None = None
    thread: int = field(default_factory=threading.get_ident)
    in_init: bool = True
    reducers: list[RegisteredReducer] = field(default_factory=list)
    metrics: list[MetricEntry] = field(default_factory=list)
    models: list[dict[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def report(self, entry: MetricEntry) -> None:
        """Keep one `report_metrics` call for the next commit."""
        with self._lock:
            self.metrics.append(entry)

    def link(self, model: dict[str, str]) -> None:
        """Keep one `report_task_using_*` call for the next commit."""
        with self._lock:
            self.models.append(model)

    def cut_commit(
        self, batches: Span, rows: Span, spent: Spent | None = None, *, idle: bool = False
    ) -> "CommitContents":
        """Everything since the last contents, copied, so that later batches change nothing.

        `idle`: this attempt has processed no batch. A reducer that cannot say the value of nothing
        (a mean, a maximum) then has none.
        """
        files, saved = self.staging.cut_files(), self.saver.cut_files()
        if saved is not None:
            _check_names(files.keys(), saved.names)
        with self._lock:
            metrics, self.metrics = self.metrics, []
            models, self.models = self.models, []
        return CommitContents(
            batches=batches,
            rows=rows,
            files=files,
            saved=saved,
            spent=spent,
            reducers=tuple(staged(one) for one in self.reducers if not (idle and one.is_void())),
            metrics=tuple(metrics),
            models=tuple(models),
        )

    def drop_from_init(self) -> None:
        """Files and metrics of `__init__` are in the shard's first commit, and this is not it."""
        files, saved = self.staging.cut_files(), self.saver.cut_files()
        CommitContents(
            (0, 0), (0, 0), files, saved, None, reducers=(), metrics=(), models=()
        ).discard()
        self.metrics.clear()

    @property
    def rows_here(self) -> Span | None:
        """`rows`, for the loop's thread only: one of the user's may be at another batch."""
        return self.rows if threading.get_ident() == self.thread else None

    def is_short(self, batch_size: int) -> bool:
        """Whether the batch in work has fewer rows than the others, as the last one may."""
        return self.rows is not None and self.rows[1] - self.rows[0] < batch_size

    def resume(self, stored: Iterable[ReducerEntry], load: Callable[[str], bytes]) -> None:
        """Give `state` reducers what the shard's last commit holds."""
        by_name = {entry.name: entry for entry in stored}
        for one in self.reducers:
            if one.key in by_name and one.kind == "state":
                one.resume(value_of(by_name[one.key], load))


@dataclass(frozen=True)
class CommitContents:
    """What one commit or seal will hold; digests are taken later, in the background."""

    batches: Span
    rows: Span
    files: dict[str, Path]
    saved: SavedFiles | None
    spent: Spent | None
    reducers: tuple[StagedReducer, ...]
    metrics: tuple[MetricEntry, ...]
    models: tuple[dict[str, str], ...]

    def draft(self) -> Draft:
        """The draft for the ledger; waits for the encoder and reads every file for its digest."""
        files = tuple((name, describe(path)) for name, path in sorted(self._paths().items()))
        return Draft(
            self.batches,
            self.rows,
            files,
            self.reducers,
            self.metrics,
            self.models,
            self.spent,
        )

    def discard(self) -> None:
        """Remove the local copies: the commit is durable."""
        # With the folder of the block or interval, which holds nothing else.
        folders = {path.parents[name.count("/")] for name, path in self._paths().items()}
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _paths(self) -> dict[str, Path]:
        saved = {} if self.saved is None else self.saved.files.result()
        return self.files | saved


def _check_names(files: Set[str], saved: Set[str]) -> None:
    if twice := saved & files:
        raise ValueError(
            f"file {min(twice)!r} was written by upload_path() and by save() between two "
            "checkpoints: give one of them another name"
        )
    if both := (files & _folders(saved)) | (saved & _folders(files)):
        raise ValueError(
            f"{min(both)!r} was written as a file and as a folder between two checkpoints: "
            "rename one"
        )


def _folders(names: Set[str]) -> set[str]:
    return {str(parent) for name in names for parent in PurePosixPath(name).parents}
