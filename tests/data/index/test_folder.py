"""An index that is written is read as it was, and parts of it when they are needed."""

import threading
from pathlib import Path

import numpy as np
import pytest

from batchprocess.data.index.blocks.open_lines import BlockEnds, Ends
from batchprocess.data.index.blocks.part import PieceRows, encode
from batchprocess.data.index.folder import Index, keep_part, write_index, write_objects_index
from batchprocess.data.listing import object_list
from batchprocess.data.listing.object_list import finish, write_objects
from batchprocess.protocol.errors import VerificationError
from batchprocess.storage.inputs.base import InputObject

OBJECTS = (InputObject("a\n", 10, '"e"'), InputObject("empty", 0), InputObject("ü", 9_000))
WHOLE = BlockEnds(Ends(), Ends())
OPEN = BlockEnds(Ends(base=0, head=0, tail=-1, stop=4_000), Ends())
REST = BlockEnds(Ends(base=255, tail=8_000, stop=9_000), Ends())
PARTS = [
    encode([PieceRows(0, 2, np.array([[0, 3]]))]),
    encode([PieceRows(2, 254, np.array([[0, 10], [99, 990]]))]),
    encode([PieceRows(2, 44, np.array([[0, 4_000]]))]),
]
"""Of 2 rows, of 255 and of 45; the last two are of one object."""


@pytest.fixture(params=[1 << 20, 0], ids=["in memory", "mapped"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(object_list, "_MAX_IN_MEMORY", request.param)
    listed = write_objects(tmp_path, ("r", "s"), zip((0, 1, 1), OBJECTS, strict=True))
    finish(tmp_path, listed)
    counted = zip([2, 254, 44], [WHOLE, OPEN, REST], strict=True)
    assert write_index(tmp_path, counted, [0, 1, 2], "text-2") == 302
    return tmp_path


@pytest.fixture
def index(folder: Path) -> Index:
    for number, part in enumerate(PARTS):
        keep_part(folder, number, part)
    return Index(folder)


def test_each_row_has_its_object_and_its_number_in_there(index: Index) -> None:
    assert index.rows == 302
    assert [tuple(index.place(row)) for row in (0, 1, 2, 256, 257, 301)] == [
        (0, 0, 0, 2),
        (0, 0, 1, 2),
        (1, 2, 0, 255),
        (1, 2, 254, 255),
        (2, 2, 255, 300),
        (2, 2, 299, 300),
    ]
    assert [index.first_row(number) for number in range(3)] == [0, None, 2]
    for number in (2, 0, 0, 1):
        assert index.object(number) == ("rss"[number], OBJECTS[number])


def test_a_span_ends_where_the_next_known_row_begins_or_the_rows_do(index: Index) -> None:
    assert index.span(0, 0, (1, 2), 10) == (3, 10, 0)
    assert index.span(1, 2, (0, 1), 9_000) == (0, 10, 0)
    assert index.span(1, 2, (50, 100), 9_000) == (10, 990, 1)
    assert index.span(1, 2, (100, 255), 9_000) == (990, 4_000, 100)
    assert index.span(2, 2, (299, 300), 9_000) == (8_000, 9_000, 299)


def test_a_group_is_that_which_has_the_row(tmp_path: Path) -> None:
    finish(tmp_path, write_objects(tmp_path, ("r",), [(0, OBJECTS[2])]))
    keep_part(tmp_path, 0, encode([PieceRows(0, 300, np.array([[0, 0], [256, 2]]))]))
    write_index(tmp_path, [(300, WHOLE)], [0], None)
    found = [Index(tmp_path).group(0, 0, row) for row in (0, 255, 256, 299)]
    assert found == [(0, 0, 256), (0, 0, 256), (2, 256, 300), (2, 256, 300)]


def test_only_parts_of_rows_that_are_read_are_fetched_and_once_for_all(folder: Path) -> None:
    fetched: list[int] = []

    def fetch(kind: str, block: int) -> bytes:
        assert kind == "text-2"
        fetched.append(block)
        return PARTS[block]

    keep_part(folder, 0, PARTS[0])
    indexes = [Index(folder, fetch) for _ in range(8)]
    assert all(one.rows == 302 for one in indexes)
    assert indexes[0].place(1).row == 1
    assert fetched == []
    reading = [threading.Thread(target=one.place, args=(17,)) for one in indexes]
    for one in reading:
        one.start()
    for one in reading:
        one.join()
    assert fetched == [1]
    assert [one.place(17).row for one in indexes] == [15] * 8


def test_so_many_parts_are_held_and_no_more(tmp_path: Path) -> None:
    finish(tmp_path, write_objects(tmp_path, ("r",), [(0, OBJECTS[2])] * 20))
    for number in range(20):
        keep_part(tmp_path, number, encode([PieceRows(number, 5, np.array([[0, 0]]))]))
    write_index(tmp_path, [(5, WHOLE)] * 20, range(20), None)
    index = Index(tmp_path)
    places = [index.place(row) for row in (*range(100), *range(100))]
    assert [(one.object, one.row) for one in places] == [divmod(row, 5) for row in range(100)] * 2
    assert index._view.cache_info().currsize == 8


def test_what_cannot_be_fetched_is_an_error(folder: Path) -> None:
    with pytest.raises(VerificationError, match="parts/1 is gone"):
        Index(folder).place(17)
    with pytest.raises(OSError, match="no store"):
        Index(folder, fetch_nothing).place(17)
    keep_part(folder, 1, PARTS[1])
    assert Index(folder, fetch_nothing).place(17).row == 15


def fetch_nothing(_kind: str, _block: int) -> bytes:
    raise OSError("no store")


def test_where_rows_are_objects_there_are_no_parts(tmp_path: Path) -> None:
    finish(tmp_path, write_objects(tmp_path, ("r",), [(0, one) for one in OBJECTS]))
    write_objects_index(tmp_path, 3)
    index = Index(tmp_path)
    assert (index.rows, tuple(index.place(2)), index.first_row(2)) == (3, (0, 2, 0, 1), 2)


def test_half_an_index_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Index(tmp_path)
