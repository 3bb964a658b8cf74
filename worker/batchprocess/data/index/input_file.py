"""An input object as a file that libraries can seek in."""

import io
import os
from collections.abc import Callable
from typing import Any


class InputFile(io.RawIOBase):
    """`read(start, stop)` gives bytes of an object of `size` bytes."""

    def __init__(self, size: int, read: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size, self._read_span, self._at = size, read, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As documented for files."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """All that is asked for, unless the file ends before."""
        end = self._size if size is None or size < 0 else min(self._at + size, self._size)
        start = min(self._at, end)
        found = self._read_span(start, end) if start < end else b""
        self._at = end
        return found

    def readinto(self, buffer: Any) -> int:
        """As documented for files."""
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)
