"""`context.save`: results handed over without waiting, encoded behind the loop, never lost.

Each boundary ends the files of its interval; the commit waits for them and names them. If we die
before it, no record names them and the next attempt makes them anew.
"""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from batchprocess.sdk.save.column_lists import as_numbers, bytes_of, copied
from batchprocess.sdk.save.column_types import Column, Kind, kinds_of, text_of
from batchprocess.sdk.save.writers import WRITERS, Writer, files_of

MAX_WAITING_BYTES = 512 << 20


class Landing(Protocol):
    """A tensor on its way back from the device."""

    def get(self) -> torch.Tensor:
        """It, on the CPU; waits until it has landed."""


Fetch = Callable[[torch.Tensor], Landing]


@dataclass(frozen=True)
class SavedFiles:
    """The files of one interval: their names now, where they are once they are written."""

    names: frozenset[str]
    files: Future[dict[str, Path]]


@dataclass
class _Interval:
    folder: Path
    kinds: dict[str, dict[str, Kind]] = field(default_factory=dict)
    writers: dict[str, Writer] = field(default_factory=dict)
    empty: dict[str, tuple[Any, dict[str, Any]]] = field(default_factory=dict)

    def expect(self, name: str, kinds: dict[str, Kind]) -> None:
        """Raise ValueError if rows of these kinds do not belong to what is in the file."""
        for other in self.kinds.keys() - {name}:
            if twice := set(files_of(name)) & set(files_of(other)):
                raise ValueError(
                    f"{name!r} and {other!r} would both make {min(twice)!r}: rename one"
                )
        known = self.kinds.setdefault(name, kinds)
        # Nothing says what the ids of no rows are.
        known["id"] = known["id"] or kinds["id"]
        if known != kinds | {"id": kinds["id"] or known["id"]}:
            raise ValueError(
                f"{name!r} got {text_of(kinds)} now and {text_of(known)} before: give every batch "
                "the same columns, or another name"
            )

    def abandon(self) -> None:
        """Close the files, whatever is in them."""
        for writer in self.writers.values():
            writer.abandon()


@dataclass
class _Rows:
    name: str
    ids: Landing
    columns: dict[str, Landing]
    size: int


class Saver:
    """User code may save from several threads; one thread of ours encodes, in order.

    Files grow below `folder`; `fetch` starts a copy from the GPU.
    """

    def __init__(
        self, folder: Path, fetch: Fetch | None = None, max_bytes: int = MAX_WAITING_BYTES
    ) -> None:
        self._folder, self._fetch = folder, fetch
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batchprocess-encode")
        self._room = _Room(max_bytes)
        self._interval: _Interval | None = None
        self._failed: BaseException | None = None

    @property
    def waited(self) -> float:
        """Seconds spent waiting for room."""
        return self._room.waited

    def save(self, name: str, columns: Mapping[str, Column], ids: Column) -> None:
        """Append rows to file `name` of this interval. What is wrong with them is raised here.

        Raises what encoding earlier rows has failed with, too.
        """
        if self._failed is not None:
            raise self._failed
        ids = as_numbers(ids)
        kinds = kinds_of(name, columns, ids)
        size = sum(_size(column) for column in (ids, *columns.values()))
        self._room.enter(size)
        try:
            landing = {key: self._hand_over(column) for key, column in columns.items()}
            rows = _Rows(name, self._hand_over(ids), landing, size)
            with self._lock:
                interval = self._interval_for(name, kinds)
                self._pool.submit(self._encode, interval, rows)
        except BaseException:
            self._room.leave(size)
            raise

    def cut_files(self) -> SavedFiles | None:
        """End the interval's files; None if nothing was saved."""
        with self._lock:
            interval, self._interval = self._interval, None
        if interval is None:
            return None
        names = frozenset(file for name in interval.kinds for file in files_of(name))
        return SavedFiles(names, self._pool.submit(self._finish, interval, names))

    def close(self) -> None:
        """Nothing more will be saved. What a boundary has taken is still encoded: its commit may

        be in flight; what none has taken is not wanted.
        """
        self._pool.shutdown()
        if self._interval is not None:
            self._interval.abandon()

    def _interval_for(self, name: str, kinds: dict[str, Kind]) -> _Interval:
        if self._interval is None:
            folder = self._folder / f"saved-{next(self._numbers)}"
            folder.mkdir(parents=True)
            self._interval = _Interval(folder)
        self._interval.expect(name, kinds)
        return self._interval

    def _hand_over(self, column: Column) -> Landing:
        """A snapshot: the caller may change or free the column at once."""
        if isinstance(column, torch.Tensor):
            return self._fetched(column)
        if isinstance(column, np.ndarray) and column.dtype.kind in "biuf":
            return _Here(torch.from_numpy(np.array(column)))
        return _Listed(copied(column))

    def _fetched(self, tensor: torch.Tensor) -> Landing:
        if tensor.device.type != "cpu" and self._fetch is not None:
            try:
                return self._fetch(tensor)
            except RuntimeError:
                # No room for a snapshot, or none to page-lock: copy it now, and wait for that. If
                # the GPU itself has failed, this fails too.
                pass
        return _Here(tensor.detach().to("cpu", copy=True).contiguous())

    def _encode(self, interval: _Interval, rows: "_Rows") -> None:
        try:
            if self._failed is None:
                found = {key: landing.get() for key, landing in rows.columns.items()}
                self._add(interval, rows.name, rows.ids.get(), found)
        except BaseException as error:  # noqa: BLE001  raised by the next save, and by the commit
            self._failed = error
        finally:
            rows.columns.clear()
            self._room.leave(rows.size)

    def _add(self, interval: _Interval, name: str, ids: Any, columns: dict[str, Any]) -> None:
        if len(ids):
            with _named(name):
                self._writer(interval, name).add(ids, columns)
        else:
            # Types of lists are known from their rows: no rows count only if there are no others.
            interval.empty[name] = (ids, columns)

    def _writer(self, interval: _Interval, name: str) -> Writer:
        if name not in interval.writers:
            path = interval.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            interval.writers[name] = WRITERS[path.suffix](path)
        return interval.writers[name]

    def _finish(self, interval: _Interval, names: frozenset[str]) -> dict[str, Path]:
        if self._failed is not None:
            interval.abandon()
            raise self._failed
        for name in interval.empty.keys() - interval.writers.keys():
            self._writer(interval, name).add(*interval.empty[name])
        for name, writer in interval.writers.items():
            with _named(name):
                writer.finish()
        return {name: interval.folder / name for name in names}


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Values in lists are looked at by the encoder only; pyarrow's errors are of these kinds."""
    try:
        yield
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ValueError(f"{name!r} cannot hold these rows: {error}") from error


class _Room:
    """Bytes that may wait for the encoder. One column larger than all room passes alone."""

    def __init__(self, most: int) -> None:
        self._most, self._used = most, 0
        self._changed = threading.Condition()
        self.waited = 0.0

    def enter(self, size: int) -> None:
        """Wait for room, then take it."""
        with self._changed:
            if self._used and self._used + size > self._most:
                began = time.monotonic()
                self._changed.wait_for(lambda: not self._used or self._used + size <= self._most)
                self.waited += time.monotonic() - began
            self._used += size

    def leave(self, size: int) -> None:
        """Give room back."""
        with self._changed:
            self._used -= size
            self._changed.notify()


@dataclass(frozen=True)
class _Here:
    tensor: torch.Tensor

    def get(self) -> torch.Tensor:
        return self.tensor


@dataclass(frozen=True)
class _Listed:
    values: list[Any]

    def get(self) -> Any:
        return self.values


def _size(column: Column) -> int:
    if isinstance(column, torch.Tensor | np.ndarray):
        return int(column.nbytes)
    return bytes_of(column)
