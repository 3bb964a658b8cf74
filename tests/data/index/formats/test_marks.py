"""Marks of every 32nd row, and of the first in each MiB."""

import numpy as np

from batchprocess.data.index.formats.marks import Marks
from batchprocess.data.index.line_index import EVERY_BYTES


def test_however_rows_come_the_same_are_kept() -> None:
    begins = np.concatenate((np.arange(75) * 10, EVERY_BYTES * np.array([1, 1.2, 1.9, 5]))).astype(
        np.int64
    )
    for cut in (0, 1, 32, 78, 79):
        marks = Marks()
        marks.add(begins[:cut])
        marks.add(begins[cut:])
        assert marks.rows == 79
        assert marks.all().tolist() == [[row, int(begins[row])] for row in (0, 32, 64, 75, 78)]


def test_no_rows_have_no_marks() -> None:
    assert Marks().all().shape == (0, 2)
