"""A bound on bytes that wait, shared by threads."""

import threading
import time


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

    def release(self, size: int) -> None:
        """Give them back."""
        with self._changed:
            self._used -= size
            self._changed.notify()

    def _is_free(self, size: int) -> bool:
        return not self._used or self._used + size <= self._max_bytes
