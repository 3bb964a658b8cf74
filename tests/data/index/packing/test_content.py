"""What rows stand in, packed or not."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from batchprocess.data.index.packing.content import Content
from data.index.formats.test_count_csv import known


@pytest.mark.parametrize("packed", [True, False])
def test_it_is_the_same_packed_or_not(tmp_path: Path, packed: bool) -> None:
    text = b"a,b\n" * 900_000
    (one,) = known(tmp_path, text)
    if packed:
        (one,) = known(tmp_path, gzip.compress(text), suffix="csv.gz")
    content = Content(one)
    assert content.head(6) == b"a,b\na,"
    assert content.head(1 << 30) == text
    assert b"".join(content) == text
    assert content.size == len(text)
    marks = content.with_end(7, np.array([[0, 4]]))
    assert marks.tolist() == [[0, 4], [7, len(text)]][: 1 + packed]
