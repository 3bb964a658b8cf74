"""The part of a block as bytes: what was counted of each object's piece in it."""

import io
from collections.abc import Sequence

import numpy as np

from batchprocess.data.index.blocks.line_counts import NO_MARKS, LineCount
from batchprocess.protocol.errors import VerificationError

_COLUMNS = 8


def encode(counts: Sequence[LineCount]) -> bytes:
    """Two arrays of numpy, a row for each piece, and all marks."""
    table = [
        (c.start, c.stop, c.head_text, c.head_end, c.rows, len(c.marks), c.tail, c.tail_text)
        for c in counts
    ]
    file = io.BytesIO()
    np.save(file, np.array(table, np.int64).reshape(-1, _COLUMNS))
    np.save(file, np.concatenate([NO_MARKS, *(c.marks for c in counts)]))
    return file.getvalue()


def decode(body: bytes, name: str) -> list[LineCount]:
    """What was encoded; VerificationError if it is none of ours."""
    file = io.BytesIO(body)
    try:
        table, marks = (np.load(file, allow_pickle=False) for _ in range(2))
        ends = np.cumsum(table.reshape(-1, _COLUMNS)[:, 5])
        each = np.split(marks.reshape(-1, 2), ends[:-1]) if len(table) else []
    except (ValueError, EOFError, IndexError) as error:
        raise VerificationError(f"{name} cannot be read: {error}") from error
    return [
        LineCount(start, stop, bool(head_text), head_end, rows, found, tail, bool(tail_text))
        for (start, stop, head_text, head_end, rows, _, tail, tail_text), found in zip(
            table.tolist(), each, strict=True
        )
    ]
