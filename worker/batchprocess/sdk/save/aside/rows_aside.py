"""Rows that were saved by a batch of which it is not known yet whether and when it will count.

They wait in memory, or in a file of their own on the scratch disk, of which nobody but this process
knows: after a kill their batch is processed anew.
"""

import pickle
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from batchprocess.sdk.save.checked_rows import CheckedRows
from batchprocess.sdk.save.formats.table_types import TableTypes
from batchprocess.sdk.save.held_rows import Rows
from batchprocess.sdk.save.snapshots import Snapshot


class RowsAside:
    """Of one call. `rows`: what is known of them; `nbytes`: of their copies.

    `on_disk`: whether they go to a file, which the encoder's thread writes and reads: it does one
    thing after the other.
    """

    def __init__(
        self, rows: CheckedRows, ids: Snapshot, columns: dict[str, Snapshot], nbytes: int
    ) -> None:
        self.rows, self.nbytes, self.on_disk = rows, nbytes, False
        self._copies: tuple[Snapshot, dict[str, Snapshot]] | None = (ids, columns)
        self._keys = tuple(columns)
        self._path: Path | None = None

    def taken(self, types: TableTypes | None) -> Rows:
        """For the encoder, which gives the bytes back unless they are on the disk."""
        if not self.on_disk and self._copies is not None:
            return Rows(self.rows.name, *self._copies, self.nbytes, types)
        content = _Content(self)
        columns: dict[str, Snapshot] = {key: _OfFile(content, key) for key in self._keys}
        return Rows(self.rows.name, _OfFile(content, None), columns, 0, types)

    def write(self, path: Path) -> None:
        """Move them to a new file."""
        if self._copies is None:
            return
        ids, columns = self._copies
        found = {key: _alone(copy.wait()) for key, copy in columns.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            pickle.dump((_alone(ids.wait()), found), file, pickle.HIGHEST_PROTOCOL)
        self._path, self._copies = path, None

    def read(self) -> tuple[Any, dict[str, Any]]:
        """Read them back; the file is removed."""
        if self._path is None:
            raise RuntimeError(f"rows of {self.rows.name!r} were not put on the disk")
        with self._path.open("rb") as file:
            found: tuple[Any, dict[str, Any]] = pickle.load(file)  # noqa: S301  written by us
        self.forget()
        return found

    def forget(self) -> None:
        """Remove the file, if there is one; what is on the way from a GPU is waited for."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None
        if self._copies is not None:
            ids, columns = self._copies
            for copy in (ids, *columns.values()):
                copy.wait()
            self._copies = None


def _alone(column: Any) -> Any:
    """Without the memory that it shares: pickling would write all of that."""
    if isinstance(column, torch.Tensor) and column.untyped_storage().nbytes() > column.nbytes:
        return column.clone()
    return column


class _OfFile:
    """One column of the file, None: the ids. The first that is waited for reads all of it."""

    def __init__(self, content: "_Content", key: str | None) -> None:
        self._content, self._key = content, key

    def wait(self) -> Any:
        ids, columns = self._content.read
        return ids if self._key is None else columns[self._key]


class _Content:
    def __init__(self, aside: RowsAside) -> None:
        self._aside = aside

    @cached_property
    def read(self) -> tuple[Any, dict[str, Any]]:
        return self._aside.read()
