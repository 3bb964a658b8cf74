"""What `save` was given, on its way to the encoder, and the files that come of it."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from batchprocess.sdk.save.column_types import ColumnType
from batchprocess.sdk.save.formats.table_types import TableTypes
from batchprocess.sdk.save.interval_files import IntervalFiles
from batchprocess.sdk.save.snapshots import Snapshot


@dataclass(frozen=True)
class SavedFiles:
    """The files of one interval: their names now, where they are once they are written.

    `types`: of those that have a schema in the run, as far as they are known.
    """

    names: frozenset[str]
    files: Future[dict[str, Path]]
    types: Mapping[str, TableTypes]


@dataclass
class Rows:
    """Of one call. `types`: what is known by then of its table, None of what has no schema."""

    name: str
    ids: Snapshot
    columns: dict[str, Snapshot]
    size: int
    types: TableTypes | None


class HeldRows:
    """Rows that are encoded once it is known that they count: those of the batch in work."""

    def __init__(self) -> None:
        self.rows: list[tuple[IntervalFiles, Rows]] = []
        self.size = 0
        self.flowed_over = False
        """Whether some are encoded already: there were too many to hold."""
        self.threads: set[int] = set()
        """Who has saved them: what other threads save may be of batches that are done."""


class Mark(NamedTuple):
    """Where held rows can be dropped down to."""

    held: int
    calls: int
    interval: IntervalFiles | None
    types: dict[str, dict[str, ColumnType]]
    tables: Mapping[str, TableTypes]
