"""`context.save`: results handed over without waiting, encoded behind the loop, never lost.

Each commit ends the files of its interval, waits for them and names them. If we die before it, no
record names them and the next attempt makes them anew.
"""

import itertools
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from batchprocess.sdk.save.byte_budget import ByteBudget
from batchprocess.sdk.save.column_types import Column, ColumnType, checked_rows
from batchprocess.sdk.save.interval_files import IntervalFiles
from batchprocess.sdk.save.snapshots import Fetch, Snapshot, size_of, snapshot

MAX_WAITING_BYTES = 512 << 20


@dataclass(frozen=True)
class SavedFiles:
    """The files of one interval: their names now, where they are once they are written."""

    names: frozenset[str]
    files: Future[dict[str, Path]]


@dataclass
class _Rows:
    name: str
    ids: Snapshot
    columns: dict[str, Snapshot]
    size: int


class HeldRows:
    """Rows that are encoded once it is known that they count: those of the batch in work."""

    def __init__(self) -> None:
        self.rows: list[tuple[IntervalFiles, _Rows]] = []
        self.size = 0
        self.flowed_over = False
        """Whether some are encoded already: there were too many to hold."""


class Mark(NamedTuple):
    """Where held rows can be dropped down to."""

    held: int
    calls: int
    interval: IntervalFiles | None
    types: dict[str, dict[str, ColumnType]]


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
        self._max_bytes, self._budget = max_bytes, ByteBudget(max_bytes)
        self._held: HeldRows | None = None
        self._interval: IntervalFiles | None = None
        self._failed: BaseException | None = None
        self.calls = 0

    @property
    def waited(self) -> float:
        """Seconds that callers spent waiting for the encoder."""
        return self._budget.waited

    def save(self, name: str, columns: Mapping[str, Column], ids: Column) -> None:
        """Append rows to file `name` of this interval. What is wrong with them is raised here.

        Raises what encoding earlier rows has failed with, too.
        """
        if self._failed is not None:
            raise self._failed
        made, ids, types = checked_rows(name, columns, ids)
        size = sum(size_of(column) for column in (ids, *made.values()))
        if self._held is not None:
            self._make_room(self._held, size)
        self._budget.acquire(size)
        try:
            copies = {key: snapshot(column, self._fetch) for key, column in made.items()}
            rows = _Rows(name, snapshot(ids, self._fetch), copies, size)
            with self._lock:
                interval = self._interval_for(name, types)
                held = self._held
                if held is None or held.flowed_over:
                    self._pool.submit(self._encode, interval, rows)
                else:
                    held.rows.append((interval, rows))
                    held.size += size
                self.calls += 1
        except BaseException:
            self._budget.release(size)
            raise

    def hold(self) -> None:
        """Hold what is saved from now on, until `release`; only one thread saves meanwhile."""
        self._held = HeldRows()

    def release(self) -> None:
        """Have what is held encoded."""
        held, self._held = self._held, None
        if held is not None:
            with self._lock:
                self._encode_held(held)

    def mark(self) -> Mark:
        """Where the held rows stand."""
        interval = self._interval
        types = {} if interval is None else interval.expected()
        held = 0 if self._held is None else len(self._held.rows)
        return Mark(held, self.calls, interval, types)

    def drop_to(self, mark: Mark) -> bool:
        """Forget what was saved since; False, and nothing is forgotten, if some is encoded."""
        held = self._held
        if held is None or held.flowed_over:
            return False
        dropped = [held.rows.pop() for _ in range(len(held.rows) - mark.held)]
        for _, rows in dropped:
            for copy in (rows.ids, *rows.columns.values()):
                copy.wait()  # its memory may be on the way still
            self._budget.release(rows.size)
            held.size -= rows.size
        if self._interval is not None:
            self._interval.expect_again(mark.types)
        if mark.interval is None:
            self._interval = None
        self.calls = mark.calls
        return True

    def cut_files(self) -> SavedFiles | None:
        """End the interval's files; None if nothing was saved."""
        with self._lock:
            interval, self._interval = self._interval, None
        if interval is None:
            return None
        names = interval.names()
        return SavedFiles(names, self._pool.submit(self._finish, interval, names))

    def close(self) -> None:
        """Nothing more will be saved.

        What was cut is still encoded: its commit may be in flight. What was not is not wanted.
        """
        self._pool.shutdown()
        if self._interval is not None:
            self._interval.abandon()

    def _make_room(self, held: HeldRows, size: int) -> None:
        """What is held waits for the batch's end: none of its saves must wait for that."""
        with self._lock:
            if held.size + size > self._max_bytes:
                held.flowed_over = True
                self._encode_held(held)

    def _encode_held(self, held: HeldRows) -> None:
        for interval, rows in held.rows:
            self._pool.submit(self._encode, interval, rows)
        held.rows.clear()

    def _interval_for(self, name: str, types: dict[str, ColumnType]) -> IntervalFiles:
        if self._interval is None:
            folder = self._folder / f"saved-{next(self._numbers)}"
            folder.mkdir(parents=True)
            self._interval = IntervalFiles(folder)
        self._interval.expect(name, types)
        return self._interval

    def _encode(self, interval: IntervalFiles, rows: _Rows) -> None:
        try:
            if self._failed is None:
                found = {key: copy.wait() for key, copy in rows.columns.items()}
                interval.add(rows.name, rows.ids.wait(), found)
        except BaseException as error:  # noqa: BLE001  raised by the next save, and by the commit
            self._failed = error
        finally:
            rows.columns.clear()
            self._budget.release(rows.size)

    def _finish(self, interval: IntervalFiles, names: frozenset[str]) -> dict[str, Path]:
        if self._failed is not None:
            interval.abandon()
            raise self._failed
        try:
            return interval.finish(names)
        except BaseException:
            interval.abandon()
            raise
