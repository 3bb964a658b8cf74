"""Where rows begin: kept for every 32nd, and for the first in each MiB."""

from dataclasses import dataclass, field

import numpy as np

from batchprocess.data.index.line_index import EVERY_BYTES, EVERY_ROWS, Offsets


@dataclass
class Marks:
    """Takes the offsets at which rows begin, in order."""

    rows: int = 0
    _kept: list[Offsets] = field(default_factory=list)
    _last: int = -1

    def add(self, begins: Offsets) -> None:
        """Of the next rows."""
        if not len(begins):
            return
        numbers = np.arange(self.rows, self.rows + len(begins))
        blocks = begins // EVERY_BYTES
        first = np.diff(blocks, prepend=self._last) > 0
        kept = (numbers % EVERY_ROWS == 0) | first
        self._kept.append(np.stack((numbers[kept], begins[kept]), axis=1).astype(np.int64))
        self.rows, self._last = self.rows + len(begins), int(blocks[-1])

    def all(self) -> Offsets:
        """Number and offset of those that are kept; two columns."""
        return np.concatenate(self._kept) if self._kept else np.empty((0, 2), np.int64)
