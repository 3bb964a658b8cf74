"""`context.save`: results handed over without waiting, encoded behind the loop, never lost.

Each commit ends the files of its interval, waits for them and names them. If we die before it, no
record names them and the next attempt makes them anew.
"""

import itertools
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchprocess.protocol.tables.table_schema import has_schema
from batchprocess.sdk.save.checked_rows import CheckedRows, checked_rows
from batchprocess.sdk.save.column_types import Column
from batchprocess.sdk.save.encoder import ByteBudget, Encoder
from batchprocess.sdk.save.formats.table_types import TableTypes
from batchprocess.sdk.save.held_rows import HeldRows, Mark, Rows, SavedFiles
from batchprocess.sdk.save.interval_files import IntervalFiles
from batchprocess.sdk.save.snapshots import Fetch, Snapshot, snapshot
from batchprocess.sdk.save.table_names import TableNames
from batchprocess.sdk.save.table_schemas import TableSchemas

MAX_WAITING_BYTES = 512 << 20


class Saver:
    """User code may save from several threads; one thread of ours encodes, in order.

    Files grow in `folder`; `fetch` copies from the GPU. Without `schemas` each has its rows' types.
    """

    def __init__(
        self,
        folder: Path,
        fetch: Fetch | None = None,
        max_bytes: int = MAX_WAITING_BYTES,
        schemas: TableSchemas | None = None,
    ) -> None:
        self._folder, self._fetch = folder, fetch
        self._schemas = schemas or TableSchemas(enforced=False)
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._max_bytes, self._budget = max_bytes, ByteBudget(max_bytes)
        self._encoder = Encoder(self._budget)
        self._held: HeldRows | None = None
        self._interval: IntervalFiles | None = None
        self.tables = TableNames()
        self.calls = 0

    @property
    def waited(self) -> float:
        """Seconds that callers spent waiting for the encoder."""
        return self._budget.waited

    def save(
        self, name: str, columns: Mapping[str, Column], ids: Column, schema: Any = None
    ) -> None:
        """Append rows to file `name` of this interval. What is wrong with them is raised here.

        Raises what encoding earlier rows has failed with, too.
        """
        rows = self._checked(name, columns, ids, schema)
        size = rows.nbytes
        if self._held is not None:
            self._make_room(self._held, size)
        self._budget.acquire(size)
        try:
            copied, copies = self._copied(rows)
            with self._lock:
                interval, types = self._interval_for(rows)
                self._hand_on(interval, Rows(name, copied, copies, size, types))
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
        return Mark(held, self.calls, interval, types, self._schemas.expected())

    def drop_to(self, mark: Mark) -> bool:
        """Forget what was saved since; False, and nothing is forgotten, if some is encoded.

        So it is if another thread has saved any of what is held.
        """
        with self._lock:
            held = self._held
            if held is None or held.flowed_over or held.threads - {threading.get_ident()}:
                return False
            dropped = [held.rows.pop() for _ in range(len(held.rows) - mark.held)]
            held.size -= sum(rows.size for _, rows in dropped)
            if self._interval is not None:
                self._interval.expect_again(mark.types)
            self._schemas.expect_again(mark.tables)
            if mark.interval is None:
                self._interval = None
            self.calls = mark.calls
        for _, rows in dropped:
            for copy in (rows.ids, *rows.columns.values()):
                copy.wait()  # its memory may be on the way still
            self._budget.release(rows.size)
        return True

    def cut_files(self) -> SavedFiles | None:
        """End the interval's files; None if nothing was saved."""
        with self._lock:
            interval, self._interval = self._interval, None
        if interval is None:
            return None
        names, types = interval.names(), self._types_of(interval)
        return SavedFiles(names, self._encoder.finish(interval, names, types), types)

    def close(self) -> None:
        """Nothing more will be saved.

        What was cut is still encoded: its commit may be in flight. What was not is not wanted.
        """
        self._encoder.close()
        if self._interval is not None:
            self._interval.abandon()

    def _checked(
        self, name: str, columns: Mapping[str, Column], ids: Column, schema: Any
    ) -> CheckedRows:
        self._encoder.check()
        self.tables.check(name)
        return checked_rows(name, columns, ids, schema, own_dtypes=self._schemas.enforced)

    def _copied(self, rows: CheckedRows) -> tuple[Snapshot, dict[str, Snapshot]]:
        copies = {key: snapshot(column, self._fetch) for key, column in rows.columns.items()}
        return snapshot(rows.ids, self._fetch), copies

    def _make_room(self, held: HeldRows, size: int) -> None:
        """What is held waits for the batch's end: none of its saves must wait for that."""
        with self._lock:
            if held.size + size > self._max_bytes:
                held.flowed_over = True
                self._encode_held(held)

    def _encode_held(self, held: HeldRows) -> None:
        for interval, rows in held.rows:
            self._encoder.add(interval, rows)
        held.rows.clear()

    def _hand_on(self, interval: IntervalFiles, rows: Rows) -> None:
        held = self._held
        if held is None or held.flowed_over:
            self._encoder.add(interval, rows)
        else:
            held.rows.append((interval, rows))
            held.size += rows.size
            held.threads.add(threading.get_ident())

    def _interval_for(self, rows: CheckedRows) -> tuple[IntervalFiles, TableTypes | None]:
        """The files of now, and what is known of the table that the rows are of."""
        if self._interval is None:
            folder = self._folder / f"saved-{next(self._numbers)}"
            folder.mkdir(parents=True)
            self._interval = IntervalFiles(folder)
        with self.tables.begun(rows.name):
            return self._interval, self._expect(self._interval, rows)

    def _expect(self, interval: IntervalFiles, rows: CheckedRows) -> TableTypes | None:
        if rows.table is None or not self._schemas.enforced:
            interval.expect(rows.name, rows.types)
            return None
        interval.expect(rows.name, None)
        self._schemas.expect(rows.name, rows.table, rows.columns)
        return self._schemas.of(rows.name)

    def _types_of(self, interval: IntervalFiles) -> dict[str, TableTypes]:
        names = interval.expected() if self._schemas.enforced else ()
        return {name: self._schemas.of(name) for name in names if has_schema(name)}
