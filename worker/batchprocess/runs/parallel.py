"""Calls side by side: bounded in number and in what waits, results in the order of the calls."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")
PARALLEL = 32


class Threads:
    """At most `number` calls at a time. The threads end with the `with` block.

    `stopped` is set then: what was not begun never is, and calls that take long, or wait to try
    again, should look at it.
    """

    def __init__(self, number: int = PARALLEL) -> None:
        self._number = number
        self._pool = ThreadPoolExecutor(number)
        self.stopped = Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stopped.set()
        self._pool.shutdown(cancel_futures=True)

    def in_order(self, calls: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Results in the order of the calls; `calls` is asked for no more than are begun.

        The first error in that order is raised, and nothing more is begun. Several threads may
        use it at a time.
        """
        waiting: deque[Future[T]] = deque()
        try:
            for call in calls:
                waiting.append(self._pool.submit(call))
                if len(waiting) == self._number:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
