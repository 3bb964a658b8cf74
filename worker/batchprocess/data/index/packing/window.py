"""Reading spans of a packed file, mostly forwards, without unpacking its head again and again."""

import os
from collections.abc import Callable, Iterator
from typing import Any

from batchprocess.data.index.packing.unpacked import Packed, Point, Unpacked
from batchprocess.protocol.errors import InputChanged


class Window:
    """The last span of one file that was read, and a decoder that stands behind it.

    A later span goes on from there, or from a member's begin between; an earlier one begins anew.
    """

    def __init__(self, file: Packed, point_before: Callable[[int], Point]) -> None:
        self._file, self._point_before = file, point_before
        self._content, self._begin = b"", 0
        self._stream: Unpacked | None = None
        self._pieces: Iterator[bytes] = iter(())

    def read(self, start: int, stop: int) -> bytes:
        """Bytes `start` to `stop` of what the file becomes."""
        self._move_to(start)
        parts, end = [self._content], self._begin + len(self._content)
        while end < stop:
            piece = self._next()
            parts.append(piece)
            end += len(piece)
        self._content = b"".join(parts)
        return self._content[: stop - start]

    def _move_to(self, start: int) -> None:
        """Have the content begin there."""
        point = self._point_before(start)
        end = self._begin + len(self._content)
        if self._stream is None or start < self._begin or point.unpacked > end:
            self._stream = Unpacked(self._file, point)
            self._pieces = iter(self._stream)
            self._content, self._begin = b"", point.unpacked
        while self._begin + len(self._content) < start:
            self._begin += len(self._content)
            self._content = self._next()
        self._content = self._content[start - self._begin :]
        self._begin = start

    def _next(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise InputChanged(
                f"input {self._file.name} becomes fewer bytes than as this began"
            ) from None
        except BaseException:
            self._stream = None  # it has ended: what is read next begins anew
            raise


class LastWindow:
    """On the file that was read last; a copy in another process has none."""

    def __init__(self) -> None:
        self._now: tuple[tuple[int, int], Window] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return LastWindow, ()

    def of(self, file: Packed, number: int, point_before: Callable[[int], Point]) -> Window:
        """On the file of that number."""
        # A forked process has clients of its own to read it with.
        wanted = os.getpid(), number
        if self._now is None or self._now[0] != wanted:
            self._now = wanted, Window(file, point_before)
        return self._now[1]
