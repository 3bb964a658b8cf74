"""What reads the dataset for an attempt: loader workers, a sample, and from which seeds."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from batchprocess.data.changed_input import Since, changed_input
from batchprocess.data.column_dataset import ColumnDataset
from batchprocess.data.index.progress import Tell
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.summary import summary_of
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import BatchProcessError, ShardSealed
from batchprocess.protocol.inputs.listing import run_address
from batchprocess.protocol.inputs.summary import InputSummary
from batchprocess.protocol.rows.dataset_rows import DatasetRows
from batchprocess.protocol.run import RunSeeds, Seeds
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.feed import open_feed
from batchprocess.sdk.input.ids.identified_rows import Know, reads_ids
from batchprocess.sdk.input.loader import rows_of
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.reader import Reader
from batchprocess.sdk.input.shard_loader import ShardLoader
from batchprocess.sdk.seeding.generators import LOADER, LOOP, derived, drawn
from batchprocess.sdk.setup.fingerprint import Fingerprint
from batchprocess.sdk.setup.main_guard import require_guard_for_workers
from batchprocess.sdk.setup.placement import Placement
from batchprocess.sdk.setup.sample_process import start_sampling
from batchprocess.storage.factory import open_storage

_MAX_SAMPLE_SECONDS = 300.0


def run_of_input(placement: Placement) -> RunOfInput:
    """The run that a reader takes its input from, or begins."""
    job = placement.environment
    return RunOfInput(
        uri=placement.storage.uri,
        s3=job.s3,
        shard=placement.shard,
        shards=job.shards,
        deadline_seconds=job.storage_deadline_seconds,
    )


class Reading:
    """Of one dataset. `seeds` are drawn as the generators stood when this was made."""

    def __init__(
        self, dataset: Any, options: Mapping[str, Any], environment: WorkerEnvironment
    ) -> None:
        self._dataset, self._options = dataset, options
        self._sample_seconds = min(_MAX_SAMPLE_SECONDS, environment.start_seconds / 2)
        self._skips = environment.on_bad_row == "skip"
        self._environment, self._rows = environment, environment.rows
        self.seeds = self._seeds(LOADER)
        """Of items, if this attempt begins the run."""
        self._started: _Started | None = None
        self._failed: Exception | None = None
        self.has_probed = False
        """Whether a new run's storage was probed, as it is before anything is written there."""

    def start_processes(self, run: RunOfInput | None, tell: Tell) -> None:
        """Start loader workers and the sample's process, once a reader knows its input.

        It takes that from `run`; None: there is none, or it is not to be begun. tell: is told how
        many bytes were looked through for that, and of how many.

        They may be forked, so this comes before there is any thread or connection of ours, and
        before user code has run in this process. What fails is raised by the other methods: by then
        there is a storage to ask whether the run has begun.
        """
        try:
            require_guard_for_workers(self._options)
            self._take_listing()
            if run is not None and isinstance(self._dataset, ColumnDataset):
                tell(0, 0)
                self.has_probed = self._dataset.prepare_in_run(run, tell)
            rows = rows_of(self._dataset)
            loader = ShardLoader(self._dataset, self._options, skip=self._skips)
            loader.start_workers()
            skipped = () if self._rows is None else self._rows.skip
            sample = start_sampling(
                self._dataset, rows, self._options, self._sample_seconds, skipped
            )
            self._started = _Started(loader, sample)
        except Exception as error:  # noqa: BLE001  raised by require_started
            self._failed = error

    def _take_listing(self) -> None:
        other = None if self._rows is None else self._rows.bad_rows_of
        if other is not None and isinstance(self._dataset, ColumnDataset):
            self._dataset.take_listing_of(run_address(other, self._environment.run_uri))

    def refuse_sealed(self) -> None:
        """Raise ShardSealed if that was found: then nothing is known of the dataset."""
        if isinstance(self._failed, ShardSealed):
            raise self._failed

    def refuse_known(self) -> None:
        """Raise what starting has found, if it is an error of ours.

        What follows would only meet it again: a storage that does not answer, after as long a wait.
        """
        if isinstance(self._failed, BatchProcessError):
            raise self._failed

    def require_started(self) -> "_Started":
        """Raise what starting raised."""
        if self._started is None:
            raise self._failed or RuntimeError("start_processes comes first")
        return self._started

    def fingerprint(self) -> Fingerprint:
        """Of the dataset; read now, once."""
        return self.require_started().fingerprint()

    def run_seeds(self) -> RunSeeds:
        """For a run that this attempt begins; called once the processor is built."""
        return RunSeeds(loader=self.seeds, loop=self._seeds(LOOP))

    def changed_input(self, run: str) -> Since | None:
        """What has become of the input since the run at that address has listed it, if it has."""
        return changed_input(self._dataset, open_storage(run, self._environment.s3))

    def input_summary(self, plan: ShardPlan, rows: DatasetRows) -> InputSummary | None:
        """What there is to say of the input before anything is processed; None: no reader's."""
        processes = max(1, int(self._options.get("num_workers") or 0))
        spans = (plan.positions(shard, 0, 1) for shard in range(plan.shards) if plan.size(shard))
        starts = [rows.all_at(span)[0] for span in spans]
        return summary_of(self._dataset, starts, processes)

    def reader(self, prefetch: Callable[[], Prefetch | None], know: Know) -> Reader:
        """Of batches; nothing is read yet. `know` is told their ids where these are read."""
        loader = self.require_started().loader
        told = know if reads_ids(self._dataset) else None
        return Reader(lambda start: open_feed(loader, start, prefetch), told)

    def _seeds(self, stream: int) -> Seeds:
        seed = self._environment.seed
        return drawn() if seed is None else derived(seed, stream)


class _Started(NamedTuple):
    loader: ShardLoader
    fingerprint: Callable[[], Fingerprint]
