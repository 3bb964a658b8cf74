"""What `torch_batch_process` knows of this package's datasets."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from batchprocess.data.index.progress import Tell, tell_nobody
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.rows.row_ids import RowId


class ColumnDataset(ABC):
    """A map-style dataset whose rows are dicts, and whose batches are columns."""

    def take_listing_of(self, run: str) -> None:  # noqa: B027  most have none
        """Rows are to be numbered as in the run at this address. Asked before anything else."""

    def prepare_in_run(self, run: RunOfInput, tell: Tell = tell_nobody) -> bool:  # noqa: ARG002
        """Know the rows as the run does, where they are listed. Asked before anything else.

        tell: is told how far that is. Returns whether the store of a new run was probed for it.
        """
        return False

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitems__(self, rows: Sequence[int]) -> Sequence[dict[str, Any]]:
        """These rows, read together as far as that goes."""

    @abstractmethod
    def row_ids(self, rows: Sequence[int]) -> list[RowId]:
        """What these rows are called."""

    @abstractmethod
    def file_of(self, row: int) -> str:
        """The address of what a row comes from."""
