"""The rows that a complete run has left out, as the list of another one."""

from array import array
from contextlib import closing
from typing import NamedTuple

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.rows.row_list import MAX_ROWS, require_ascending
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.bad_rows.of_run import bad_rows_of_run
from batchprocess.runs.patience import ATTENDED, Patience
from batchprocess.runs.row_lists.whole_run import require_whole
from batchprocess.storage.base import Storage

FIELD = "rows.badRowsOf"


class LeftOut(NamedTuple):
    """Numbers of rows in the dataset, ascending, and the run that has left them out."""

    rows: "array[int]"
    run: RunInfo

    @property
    def dataset_rows(self) -> int:
        """Of the whole dataset, that run's list or not."""
        return self.run.rows if self.run.listed is None else self.run.listed.dataset_rows


def left_out_by(run: Storage, patience: Patience = ATTENDED) -> LeftOut:
    """Raises InvalidArgument for a run that is not whole, or has left out none, or too many.

    VerificationError, StorageError as of `bad_rows_of_run`.
    """
    about = require_whole(run, FIELD, patience)
    rows = array("q")
    with closing(bad_rows_of_run(run, about, patience)) as found:
        for one in found:
            if len(rows) == MAX_ROWS:
                raise InvalidArgument(
                    f"{FIELD}: run {run.uri} has more than {MAX_ROWS} bad rows: mend what made so "
                    "many, and process everything again"
                )
            rows.append(one.row.row)
    if not rows:
        raise InvalidArgument(f"{FIELD}: run {run.uri} has left out no row: there is nothing to do")
    found_rows = LeftOut(rows, about)
    require_ascending(rows, f"the bad rows of run {run.uri}", found_rows.dataset_rows)
    return found_rows
