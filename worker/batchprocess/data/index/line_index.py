"""What a line is, and for which of them it is kept where they begin."""

import numpy as np
import numpy.typing as npt

EVERY_ROWS, EVERY_BYTES = 32, 1 << 20
MAX_LINE = 64 << 20
BOM = b"\xef\xbb\xbf"

Offsets = npt.NDArray[np.int64]


def lines_of(content: bytes, *, skip_blank: bool) -> list[bytes]:
    """Lines of a piece that begins and ends where lines do, without their ends."""
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    whole = [line.removesuffix(b"\r") for line in lines]
    return [line for line in whole if line.strip()] if skip_blank else whole
