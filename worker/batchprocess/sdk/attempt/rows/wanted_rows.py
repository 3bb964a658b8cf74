"""Which rows of the dataset the job wants, as an attempt finds them: in its run, or in another."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace

from batchprocess.ledger.job_settings import require_same_hparams
from batchprocess.ledger.run import read_run, same_fingerprint
from batchprocess.protocol.errors import DatasetChanged, InvalidArgument, RunMismatch
from batchprocess.protocol.inputs.listing import run_address
from batchprocess.protocol.rows.dataset_rows import ALL_ROWS, DatasetRows
from batchprocess.protocol.rows.settings import RowSettings
from batchprocess.protocol.run import Asked, ListedRows, RunInfo
from batchprocess.runs.bad_rows.left_out import FIELD, LeftOut, left_out_by
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.runs.row_lists.stored_list import keep_rows, listed, rows_of_run
from batchprocess.sdk.setup.placement import Placement
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage


@dataclass(frozen=True)
class Found:
    """`rows`: the run's. `positions`: how many it has. `about`: what run.json says of a list."""

    rows: DatasetRows
    positions: int
    about: ListedRows | None = None


class WantedRows:
    """Asked of storage once, when first needed, and only by jobs that want a list."""

    def __init__(self, placement: Placement, patience: Callable[..., Patience]) -> None:
        self._settings = placement.environment.rows or RowSettings()
        self._placement, self._patience = placement, patience
        self._of_other: LeftOut | None = None
        self._found: Found | None = None

    @property
    def rows(self) -> DatasetRows:
        """The run's; all of the dataset before they were found."""
        return ALL_ROWS if self._found is None else self._found.rows

    @property
    def about(self) -> ListedRows | None:
        """For run.json."""
        return None if self._found is None else self._found.about

    def find(self, dataset_rows: int) -> Found:
        """Of a dataset of so many rows.

        Raises InvalidArgument for what cannot be wanted of it, RunMismatch if the run has begun
        with other rows, DatasetChanged if it has with those of another dataset; VerificationError
        for a list, or bad rows, that are not those that were kept.
        """
        if self._found is None:
            self._found = self._without_skipped(self._all(dataset_rows), dataset_rows)
        return self._found

    def keep(self) -> None:
        """To be called before run.json is created."""
        if self.about is not None and self._of_other is not None:
            flow = keep_rows(self._of_other.rows, self.about)
            perform(flow, self._placement.storage, self._patience(first=True))

    def require_same_dataset(self, mine: RunInfo) -> None:
        """Raise InvalidArgument if the run whose bad rows these are was over another dataset."""
        if self._of_other is not None and not same_fingerprint(mine, self._of_other.run):
            raise InvalidArgument(
                f"{FIELD}: the dataset is not the one of run {self._settings.bad_rows_of}, as its "
                "fingerprint says: row numbers would mean other rows; give the dataset as it was"
            )

    def _all(self, dataset_rows: int) -> Found:
        if self._settings.bad_rows_of is None:
            return Found(ALL_ROWS, dataset_rows)
        storage, patience = self._placement.storage, self._patience(first=True)
        run = perform(read_run(), storage, patience)
        return self._of_bad(dataset_rows) if run is None else self._of_run(run, dataset_rows)

    def _of_run(self, run: RunInfo, dataset_rows: int) -> Found:
        another = self._placement.how_to_start_another
        require_same_hparams(Asked.of(self._placement.environment), run.asked, another)
        if run.listed is None:
            raise RunMismatch(
                f"{FIELD} is {self._settings.bad_rows_of}, but this run was started over the whole "
                f"dataset; do as it did, or start another run ({another})"
            )
        if run.listed.dataset_rows != dataset_rows:
            raise DatasetChanged(
                f"the dataset has {dataset_rows} rows here, but the run is over some of "
                f"{run.listed.dataset_rows}; to process the changed one, start another run "
                f"({another})"
            )
        rows = rows_of_run(self._placement.storage, run, self._patience())
        return Found(rows, run.rows, run.listed)

    def _of_bad(self, dataset_rows: int) -> Found:
        name = str(self._settings.bad_rows_of)
        self._of_other = found = left_out_by(self._open(name), self._patience(first=True))
        if found.dataset_rows != dataset_rows:
            raise InvalidArgument(
                f"{FIELD}: the dataset has {dataset_rows} rows, and that of run {name} had "
                f"{found.dataset_rows}: row numbers would mean other rows; give the dataset as it "
                "was"
            )
        rows: array[int] = found.rows
        return Found(DatasetRows(rows), len(rows), listed(rows, name, dataset_rows))

    def _open(self, name: str) -> Storage:
        environment = self._placement.environment
        return open_storage(run_address(name, environment.run_uri, FIELD), environment.s3)

    def _without_skipped(self, found: Found, dataset_rows: int) -> Found:
        skip = frozenset(self._settings.skip)
        beyond = [row for row in skip if row >= dataset_rows]
        if beyond:
            raise InvalidArgument(
                f"rows.skip: the dataset has no row {min(beyond)}: its {dataset_rows} rows are "
                f"numbered from 0 to {dataset_rows - 1}"
            )
        return replace(found, rows=replace(found.rows, left_out=skip)) if skip else found
