"""What a loader process knows of the one before it, which died: read its batch row by row."""

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple


class Death(NamedTuple):
    """A row that killed the process which read it alone."""

    row: int
    signal: str


class SharedRow:
    """The row that is read alone, seen by the process that forked us; -1 for none."""

    def __init__(self) -> None:
        self._value = ctypes.c_int64.from_buffer(mmap.mmap(-1, mmap.PAGESIZE))
        self.set(-1)

    def set(self, row: int) -> None:
        """For the other process to see, whatever becomes of this one."""
        self._value.value = row

    @property
    def number(self) -> int:
        """What was set last."""
        return self._value.value


@dataclass
class Suspect:
    """The first batch that this process gets, if one before it has died of that batch."""

    row: SharedRow
    dead: list[Death] = field(default_factory=list)

    @contextmanager
    def alone(self, row: int) -> Iterator[None]:
        """This row is read now, and nothing else."""
        self.row.set(row)
        yield
        self.row.set(-1)


_known: list[Suspect] = []


def suspect_first_batch(suspect: Suspect) -> None:
    """To be called in a new loader process, before its first batch."""
    _known[:] = [suspect]


def take_suspect() -> Suspect | None:
    """What is known of the batch that is read now; None from the second one on."""
    return _known.pop() if _known else None
