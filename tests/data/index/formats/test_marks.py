"""Marks of every 256th row, and of the first in each MiB."""

import numpy as np

from batchprocess.data.index.formats.marks import Marks
from batchprocess.data.index.line_index import EVERY_BYTES


def test_however_rows_come_the_same_are_kept() -> None:
    begins = np.concatenate((np.arange(600) * 10, EVERY_BYTES * np.array([1, 1.2, 1.9, 5]))).astype(
        np.int64
    )
    for cut in (0, 1, 256, 603, 604):
        marks = Marks()
        marks.add(begins[:cut])
        marks.add(begins[cut:])
        assert marks.rows == 604
        assert marks.all().tolist() == [[row, int(begins[row])] for row in (0, 256, 512, 600, 603)]


def test_no_rows_have_no_marks() -> None:
    assert Marks().all().shape == (0, 2)
