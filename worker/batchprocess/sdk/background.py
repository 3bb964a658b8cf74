"""One call on a thread of its own, whose result is wanted later."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """Starts `call` at once, in a daemon thread: a process that ends does not wait for it."""

    def __init__(self, call: Callable[[], T], name: str) -> None:
        self._call = call
        self._made: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"batchprocess-{name}", daemon=True)
        self._thread.start()

    def result(self) -> T:
        """Wait for it; raises what the call raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._made[0]

    def _run(self) -> None:
        try:
            self._made.append(self._call())
        except BaseException as error:  # noqa: BLE001  raised by result()
            self._error = error
