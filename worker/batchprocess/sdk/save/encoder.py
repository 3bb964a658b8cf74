"""The thread that encodes what was saved, in order, behind the loop, and what may wait for it."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from batchprocess.sdk.save.formats.table_types import TableTypes
from batchprocess.sdk.save.held_rows import Rows
from batchprocess.sdk.save.interval_files import IntervalFiles


class ByteBudget:
    """Bytes that may wait for the encoder. One column larger than the whole budget passes alone."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._used = max_bytes, 0
        self._changed = threading.Condition()
        self.waited = 0.0

    def acquire(self, size: int) -> None:
        """Wait until `size` bytes are free, then take them; `waited` adds the seconds up."""
        with self._changed:
            if not self._is_free(size):
                began = time.monotonic()
                self._changed.wait_for(lambda: self._is_free(size))
                self.waited += time.monotonic() - began
            self._used += size

    def take(self, size: int) -> None:
        """Take them at once, free or not: for callers that must not wait."""
        with self._changed:
            self._used += size

    @property
    def used(self) -> int:
        """Bytes that wait."""
        return self._used

    def release(self, size: int) -> None:
        """Give them back."""
        with self._changed:
            self._used -= size
            self._changed.notify()

    def _is_free(self, size: int) -> bool:
        return not self._used or self._used + size <= self._max_bytes


class Encoder:
    """Gives bytes back to the `budget` once they are encoded. Behind a failure nothing is."""

    def __init__(self, budget: ByteBudget) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batchprocess-encode")
        self._budget = budget
        self._failed: BaseException | None = None

    def check(self) -> None:
        """Raise what encoding earlier rows has failed with."""
        if self._failed is not None:
            raise self._failed

    def add(self, interval: IntervalFiles, rows: Rows) -> None:
        """Have them written into the interval's files, behind what was given before."""
        self._pool.submit(self._encode, interval, rows)

    def run(self, call: Callable[[], None]) -> None:
        """Have it called behind what was given before; not behind a failure, as which its own
        counts."""
        self._pool.submit(self._run, call)

    def finish(
        self, interval: IntervalFiles, names: frozenset[str], types: Mapping[str, TableTypes]
    ) -> Future[dict[str, Path]]:
        """Have the files made whole; where they are, by name."""
        return self._pool.submit(self._finish, interval, names, types)

    def close(self) -> None:
        """Nothing more comes; what was given is still encoded."""
        self._pool.shutdown()

    def _run(self, call: Callable[[], None]) -> None:
        try:
            if self._failed is None:
                call()
        except BaseException as error:  # noqa: BLE001  raised by the next save, and by the commit
            self._failed = error

    def _encode(self, interval: IntervalFiles, rows: Rows) -> None:
        try:
            if self._failed is None:
                found = {key: copy.wait() for key, copy in rows.columns.items()}
                interval.add(rows.name, rows.ids.wait(), found, rows.types)
        except BaseException as error:  # noqa: BLE001  raised by the next save, and by the commit
            self._failed = error
        finally:
            rows.columns.clear()
            self._budget.release(rows.size)

    def _finish(
        self, interval: IntervalFiles, names: frozenset[str], types: Mapping[str, TableTypes]
    ) -> dict[str, Path]:
        if self._failed is not None:
            interval.abandon()
            raise self._failed
        try:
            return interval.finish(names, types)
        except BaseException:
            interval.abandon()
            raise
