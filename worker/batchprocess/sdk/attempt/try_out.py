"""`try_out`: what a processor would save, without a run."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchprocess.ledger.draft import StagedReducer
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs.scratch_folder import scratch
from batchprocess.sdk.attempt.assembly import AttemptAssembly
from batchprocess.sdk.attempt.state import AttemptState
from batchprocess.sdk.output.agreed_schemas import require_types
from batchprocess.sdk.output.commit_contents import CommitContents
from batchprocess.sdk.output.folder_sync import FolderSync
from batchprocess.sdk.reduce.registered import reduce_all
from batchprocess.sdk.report.agent_link import LoopState
from batchprocess.sdk.setup.construct_processor import warn_of_misspelt_hooks
from batchprocess.sdk.setup.main_guard import refuse_call_of_starting_child
from batchprocess.sdk.setup.placement import Placement
from batchprocess.sdk.setup.settings import merge
from batchprocess.sdk.user.processor import TorchBatchProcessor
from batchprocess.storage.factory import open_storage


@dataclass(frozen=True)
class TriedFile:
    """A file that would be committed: by `save`, or by `upload_path`."""

    name: str
    content: bytes

    def __repr__(self) -> str:
        return f"TriedFile({self.name!r}, {len(self.content)} bytes)"


@dataclass(frozen=True)
class TriedOut:
    """What `try_out` gives back.

    rows: of the dataset, processed. files: in the order of commits, those of `on_finish` last.
    reported_metrics: one dict for each `report_metrics`, with `group`, `steps_completed` and
    `metrics`. metrics: the reducers' results by name, as in summary.json.
    """

    rows: int
    files: tuple[TriedFile, ...]
    reported_metrics: tuple[dict[str, Any], ...]
    metrics: dict[str, Any]


def try_out(
    batch_processor_cls: type[TorchBatchProcessor],
    dataset: Any,
    batches: int = 2,
    *,
    batch_size: int | None = None,
    dataloader_kwargs: Mapping[str, Any] | None = None,
    hparams: Mapping[str, Any] | None = None,
) -> TriedOut:
    """Run a processor over the first batches of a dataset, and give back what it would save.

    batches: how many, at least 1; of a smaller dataset all. One checkpoint comes after the last of
    them, then `on_finish`, as in a run of so many batches. hparams: what `get_hparams` gives.

    Other arguments are those of `torch_batch_process`. Nothing is kept: no run, no ledger, no file
    outside a temporary folder. May be called as often as you like, in a script too.

    Raises InvalidArgument and whatever user code raises.
    """
    refuse_call_of_starting_child("try_out")
    if isinstance(batches, bool) or not isinstance(batches, int) or batches < 1:
        raise InvalidArgument(f"batches must be an integer of at least 1, not {batches!r:.100}")
    with scratch() as temporary:
        placement = _placement(temporary.folder, dict(hparams or {}))
        settings = merge(
            placement.environment,
            batch_size=batch_size,
            max_batches=None,
            checkpoint_interval=batches,
            dataloader_kwargs=dataloader_kwargs,
        )
        with _assembled(
            AttemptAssembly(batch_processor_cls, dataset, settings, placement)
        ) as assembly:
            assembly.start_processes()
            return _tried(assembly, batches)


def _placement(folder: Path, hparams: dict[str, Any]) -> Placement:
    """Alone, with a storage that nobody writes to."""
    storage = open_storage(str(folder / "run"))
    environment = WorkerEnvironment(
        job="try-out",
        job_name="try-out",
        run_uri=storage.uri,
        shards=1,
        hparams=hparams,
        compile_cache=False,
    )
    return Placement(environment, storage, shard=0, alone=True, scratch=folder)


@contextmanager
def _assembled(assembly: AttemptAssembly) -> Iterator[AttemptAssembly]:
    try:
        yield assembly
    finally:
        assembly.pending.saver.close()
        assembly.remove_temporary_files()


def _tried(assembly: AttemptAssembly, batches: int) -> TriedOut:
    whole = assembly.shard_plan()
    plan = ShardPlan(whole.rows, whole.batch_size, 1, min(batches, whole.size(0)))
    warn_of_misspelt_hooks(assembly.processor_class)
    loop_state = LoopState(total=plan.size(0))
    commits = _KeptCommits()
    start = assembly.start(plan, 0, assembly.reading.seeds)
    with assembly.reader() as reader:
        reader.start(start)
        processor = assembly.new_processor(rank=0)
        loop = assembly.loop(processor, plan, commits, AttemptState.unreported(loop_state))
        loop.randomness.begin(assembly.reading.run_seeds().loop)
        loop.after_checkpoint = lambda: None  # nothing is kept with the run, which does not exist
        loop.run(reader.feed_from(start), 0)
        loop.finish()
    stored = ((one, commits.values(one.key, one.kind)) for one in assembly.pending.reducers)
    return TriedOut(
        rows=plan.processed_rows,
        files=tuple(commits.files),
        reported_metrics=tuple(commits.reported),
        metrics=reduce_all(stored),
    )


class _KeptCommits:
    """In place of the ledger: reads what is committed, and lets go of its files."""

    def __init__(self) -> None:
        self.files: list[TriedFile] = []
        self.reported: list[dict[str, Any]] = []
        self._reducers: list[StagedReducer] = []

    def values(self, key: str, kind: str) -> list[Any]:
        """A function's updates of every commit; of others the last value, which holds all."""
        found = [_value(one) for one in self._reducers if one.entry.name == key]
        return found if kind == "function" else found[-1:]

    def check(self) -> None:
        """Nothing is in flight."""

    wait = check
    busy = False

    def commit(self, contents: CommitContents, _tensorboard: FolderSync | None) -> None:
        """Read everything now."""
        require_types(contents)
        paths = sorted(contents.paths().items())
        self.files += [TriedFile(name, path.read_bytes()) for name, path in paths]
        self.reported += [entry.model_dump() for entry in contents.metrics]
        self._reducers += contents.reducers
        contents.discard()

    def seal(self, contents: CommitContents, _batches: int, tensorboard: FolderSync | None) -> None:
        """As any commit."""
        self.commit(contents, tensorboard)


def _value(one: StagedReducer) -> Any:
    if one.staged is None:
        return one.entry.value
    source = one.staged.source
    return json.loads(source if isinstance(source, bytes) else source.read_bytes())
