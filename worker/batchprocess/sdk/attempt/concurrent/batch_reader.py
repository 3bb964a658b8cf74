"""Batches read beside the event loop, one ahead of it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple

from batchprocess.sdk.input.feed import Feed

_JOIN_SECONDS, _POLL_SECONDS = 5.0, 0.01


class Read(NamedTuple):
    """A batch that was read, or what reading it raised."""

    batch: Any = None
    error: BaseException | None = None


class BatchReader:
    """With `beside`, a thread waits for the loader's processes, and calls `wake` on the loop.

    Without loader processes the dataset is read by the thread that has always read it, which the
    dataset may depend on: then each batch holds the event loop.
    """

    def __init__(self, feed: Feed, wake: Callable[[], None], *, beside: bool) -> None:
        self._feed, self._wake = feed, wake
        self._loop = asyncio.get_running_loop()
        self._ready: SimpleQueue[Read] = SimpleQueue()
        self._asked: SimpleQueue[Callable[[], Read] | None] = SimpleQueue()
        self._waits = False
        self._kept: Read | None = None
        self._kept_for_later: Read | None = None
        self._thread: threading.Thread | None = None
        if beside:
            self._thread = threading.Thread(target=self._run, name="batchprocess-read", daemon=True)
            self._thread.start()

    def next_if_ready(self) -> Read | None:
        """The next batch; None if it is not there yet: `wake` is called once it is."""
        kept, self._kept = self._kept, None
        if kept is not None:
            return kept
        if self._thread is None:
            return self._read()
        if not self._waits:
            self._ask(self._read)
        if self._ready.empty():
            return None
        self._waits = False
        return self._ready.get()

    async def read_alone(self, batch: int, rows: Sequence[int], then: int) -> None:
        """Next come `rows` of a batch, each alone, and behind them the batches from `then` on.

        One of these may have been read already: it is kept, also if it was kept for rows before.
        """
        self._kept_for_later, self._kept = self._kept, None
        if self._waits:
            self._kept_for_later = await self._arrived()
        if self._kept_for_later is not None:
            then += 1
        call = partial(self._begin_alone, batch, rows, then)
        if self._thread is None:
            found = call()
        else:
            self._ask(call)
            found = await self._arrived()
        if found.error is not None:
            raise found.error

    async def next_alone(self) -> Read:
        """The next of those rows."""
        while (read := self.next_if_ready()) is None:
            await asyncio.sleep(_POLL_SECONDS)
        return read

    def end_alone(self) -> None:
        """All of them were taken."""
        self._kept, self._kept_for_later = self._kept_for_later, None

    def close(self) -> None:
        """No more are wanted; a thread that waits for a slow dataset is left behind."""
        self._asked.put(None)
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)

    def _ask(self, call: Callable[[], Read]) -> None:
        self._asked.put(call)
        self._waits = True

    async def _arrived(self) -> Read:
        while self._ready.empty():
            await asyncio.sleep(_POLL_SECONDS)
        self._waits = False
        return self._ready.get()

    def _run(self) -> None:
        while (call := self._asked.get()) is not None:
            self._ready.put(call())
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop is closed: nobody waits
                return

    def _read(self) -> Read:
        try:
            batch = self._feed.next_batch()
            self._feed.batch_done()
        except BaseException as error:  # noqa: BLE001  raised by the loop, with the batch's number
            return Read(error=error)
        return Read(batch)

    def _begin_alone(self, batch: int, rows: Sequence[int], then: int) -> Read:
        try:
            self._feed.read_alone(batch, rows, then)
        except BaseException as error:  # noqa: BLE001  raised by read_alone
            return Read(error=error)
        return Read()
