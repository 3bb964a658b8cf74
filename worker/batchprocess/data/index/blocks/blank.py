"""Lines that are nothing but white space."""

import numpy as np
import numpy.typing as npt

from batchprocess.data.index.line_index import Offsets

_BLANK = np.isin(np.arange(256), (9, 10, 11, 12, 13, 32))
_MAX_SUSPECTS = 1_000


def have_text(codes: npt.NDArray[np.uint8], ends: Offsets) -> npt.NDArray[np.bool_]:
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
