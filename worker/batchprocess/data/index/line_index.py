"""Where the lines of a file begin: counted once, kept for every 256th line and every MiB.

Lines end at a line feed. What stands behind the last one is a line if it has any bytes.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from batchprocess.protocol.errors import InvalidArgument

EVERY_ROWS, EVERY_BYTES = 256, 1 << 20
MAX_LINE = 64 << 20
BOM = b"\xef\xbb\xbf"
_FEED = 10
_MAX_SUSPECTS = 1_000
_BLANK = np.isin(np.arange(256), (9, 10, 11, 12, 13, 32))

Offsets = npt.NDArray[np.int64]


@dataclass
class LineCounter:
    """Counts rows in a file that is fed from its begin on.

    skip_blank: lines of nothing but white space are no rows, and belong to the one before.
    """

    name: str
    skip_blank: bool
    rows: int = 0
    _at: int = 0
    _begin: int = 0
    """Of the line that goes on."""
    _has_text: bool = False
    _marks: list[Offsets] = field(default_factory=list)
    _last_mark: int = -1

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the file; the first ones at least as long as a byte order mark."""
        if self._at == 0 and chunk.startswith(BOM):
            self._at = self._begin = len(BOM)
            chunk = chunk[len(BOM) :]
        codes = np.frombuffer(chunk, np.uint8)
        ends = np.flatnonzero(codes == _FEED) + 1
        if self.skip_blank:
            has_text = _have_text(codes, ends)
            if len(ends):
                has_text[0] |= self._has_text
            rest = chunk[int(ends[-1]) :] if len(ends) else chunk
            self._has_text = bool(rest.strip()) or (self._has_text and not len(ends))
        else:
            has_text = np.ones(len(ends), bool)
            self._has_text = self._begin_of_rest(ends) < self._at + len(chunk)
        begins = np.concatenate(([self._begin], self._at + ends[:-1])) if len(ends) else ends
        self._refuse_long(begins, self._at + ends, has_text)
        self._add(begins[has_text])
        self._begin, self._at = self._begin_of_rest(ends), self._at + len(chunk)
        if self._at - self._begin > MAX_LINE:
            self._refuse(self.rows, self._at - self._begin)

    def rows_and_marks(self) -> tuple[int, Offsets]:
        """Rows of the whole file, and marks: of every 256th row, and the first of each MiB, its
        number and where it begins; two columns.
        """
        if self._has_text:
            self._add(np.array([self._begin]))
            self._has_text = False
        return self.rows, np.concatenate(self._marks) if self._marks else np.empty((0, 2), np.int64)

    def _begin_of_rest(self, ends: Offsets) -> int:
        return self._at + int(ends[-1]) if len(ends) else self._begin

    def _add(self, begins: Offsets) -> None:
        if not len(begins):
            return
        numbers = np.arange(self.rows, self.rows + len(begins))
        blocks = begins // EVERY_BYTES
        first = np.diff(blocks, prepend=self._last_mark) > 0
        kept = (numbers % EVERY_ROWS == 0) | first
        self._marks.append(np.stack((numbers[kept], begins[kept]), axis=1).astype(np.int64))
        self.rows, self._last_mark = self.rows + len(begins), int(blocks[-1])

    def _refuse_long(self, begins: Offsets, ends: Offsets, has_text: npt.NDArray[np.bool_]) -> None:
        sizes = ends - begins
        if len(sizes) and sizes.max() > MAX_LINE:
            number = self.rows + int(has_text[: int(sizes.argmax())].sum())
            self._refuse(number, int(sizes.max()))

    def _refuse(self, number: int, size: int) -> None:
        raise InvalidArgument(
            f"{self.name}: row {number} has {size:,} bytes or more, at most {MAX_LINE:,} are "
            "allowed: is it a file of lines?"
        )


def _have_text(codes: npt.NDArray[np.uint8], ends: Offsets) -> npt.NDArray[np.bool_]:
    """Of each line that ends in a piece, whether it has more than white space in there."""
    begins = np.concatenate(([0], ends[:-1])) if len(ends) else ends
    has_text = ~_BLANK[codes[begins]]
    suspects = np.flatnonzero(~has_text)
    if len(suspects) > _MAX_SUSPECTS:
        seen = np.cumsum(~_BLANK[codes], dtype=np.int32)
        found: npt.NDArray[np.bool_] = np.diff(seen[ends - 1], prepend=0) > 0
        return found
    for line in suspects:  # seldom any: a line that begins with white space
        has_text[line] = not _BLANK[codes[begins[line] : ends[line]]].all()
    return has_text


def lines_of(content: bytes, *, skip_blank: bool) -> list[bytes]:
    """Lines of a piece that begins and ends where lines do, without their ends."""
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    whole = [line.removesuffix(b"\r") for line in lines]
    return [line for line in whole if line.strip()] if skip_blank else whole
