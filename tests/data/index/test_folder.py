"""An index that is written is read as it was, mapped or in memory."""

from pathlib import Path

import numpy as np
import pytest

from batchprocess.data.index.folder import Index, write_index
from batchprocess.data.listing import object_list
from batchprocess.data.listing.object_list import finish, write_objects
from batchprocess.storage.inputs.base import InputObject

OBJECTS = (InputObject("a\n", 10, '"e"'), InputObject("empty", 0), InputObject("ü", 9_000))
MARKS = [np.array([[0, 3]]), np.empty((0, 2), np.int64), np.array([[0, 0], [256, 4_000]])]


@pytest.fixture(params=[1 << 20, 0], ids=["in memory", "mapped"])
def index(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    monkeypatch.setattr(object_list, "_MAX_IN_MEMORY", request.param)
    listed = write_objects(tmp_path, ("r", "s"), zip((0, 1, 1), OBJECTS, strict=True))
    finish(tmp_path, listed)
    assert write_index(tmp_path, zip([2, 0, 300], MARKS, strict=True)) == 302
    return Index(tmp_path)


def test_each_row_has_its_object(index: Index) -> None:
    assert index.rows == 302
    assert [index.place(row) for row in (0, 1, 2, 301)] == [(0, 0), (0, 1), (2, 0), (2, 299)]
    assert [index.rows_in(number) for number in range(3)] == [2, 0, 300]
    for number in (2, 0, 0, 1):
        assert index.object(number) == ("rss"[number], OBJECTS[number])


def test_a_span_ends_where_the_next_known_row_begins_or_the_object_does(index: Index) -> None:
    assert index.span(0, 1, 2, 10) == (3, 10, 0)
    assert index.span(2, 10, 256, 9_000) == (0, 4_000, 0)
    assert index.span(2, 10, 257, 9_000) == (0, 9_000, 0)
    assert index.span(2, 256, 260, 9_000) == (4_000, 9_000, 256)


def test_a_group_is_that_which_has_the_row(index: Index) -> None:
    assert [index.group(2, row) for row in (0, 255, 256, 299)] == [
        (0, 0, 256),
        (0, 0, 256),
        (4_000, 256, 300),
        (4_000, 256, 300),
    ]


def test_half_an_index_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Index(tmp_path)
