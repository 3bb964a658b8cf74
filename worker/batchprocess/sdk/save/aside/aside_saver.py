"""`context.save` of batches that are under way beside others: nothing waits, and nothing is mixed.

What a batch saves is copied in the call, and goes into the files of an interval in the order of
batches, once all before it are finished.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from batchprocess.sdk.save.aside.rows_aside import RowsAside
from batchprocess.sdk.save.column_types import Column
from batchprocess.sdk.save.saver import Saver


class AsideSaver(Saver):
    """A saver that takes rows before their turn."""

    def set_aside(
        self, name: str, columns: Mapping[str, Column], ids: Column, schema: Any = None
    ) -> RowsAside:
        """As `save`, for rows whose turn has not come, without waiting for anything.

        While more than half of the bytes that may wait do, they wait on the disk.
        """
        rows = self._checked(name, columns, ids, schema)
        if rows.table is not None and self._schemas.enforced:
            self._schemas.require(name, rows.table, rows.columns)
        aside = RowsAside(rows.without_columns(), *self._copied(rows), rows.nbytes)
        self._budget.take(aside.nbytes)
        if self._budget.used > self._max_bytes // 2:
            aside.on_disk = True
            path = self._folder / f"aside-{next(self._numbers)}"
            self._encoder.run(partial(self._move, aside, partial(aside.write, path)))
        return aside

    def append(self, saved: Sequence[RowsAside]) -> None:
        """It is the turn of one batch's: have them written into the files of this interval.

        Raises, and takes none, where one does not go with the rows that are in these files by now.
        """
        if not saved:
            return
        with self._lock:
            interval = self._interval
            types = {} if interval is None else interval.expected()
            tables = self._schemas.expected()
            try:
                ready = [(aside, *self._interval_for(aside.rows)) for aside in saved]
            except BaseException:
                if self._interval is not None:
                    self._interval.expect_again(types)
                self._schemas.expect_again(tables)
                self._interval = interval
                raise
            for aside, files, known in ready:
                self._hand_on(files, aside.taken(known))
            self.calls += len(saved)

    def drop(self, aside: RowsAside) -> None:
        """Forget them."""
        if aside.on_disk:
            self._encoder.run(aside.forget)
        else:
            self._encoder.run(partial(self._move, aside, aside.forget))

    def check(self) -> None:
        """Raise what writing rows has failed with: what waits behind it will wait for ever."""
        self._encoder.check()

    @property
    def is_full(self) -> bool:
        """Whether more waits to be encoded than may."""
        return self._budget.used > self._max_bytes

    def _move(self, aside: RowsAside, move: Any) -> None:
        try:
            move()
        finally:
            self._budget.release(aside.nbytes)
