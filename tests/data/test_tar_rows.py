"""Samples of tar files as rows, from a folder and from a real S3 server."""

import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest

from batchprocess.data import tar
from batchprocess.protocol.errors import InvalidArgument
from data.conftest import Input
from data.index.formats.test_tar_samples import packed
from support.read_rows import require_rows_by_number, rows_by_processes

pytestmark = pytest.mark.slow


def fill(place: Input) -> list[dict[str, Any]]:
    drawn = random.Random(1)
    rows: list[dict[str, Any]] = []
    for number, size in enumerate([3, 0, 400, 1]):
        members = []
        for _ in range(size):
            key, image = f"{number}/{len(rows):05}", drawn.randbytes(drawn.choice([0, 3, 9000]))
            rows.append({"__key__": key, "jpg": image, "json": json.dumps(len(rows)).encode()})
            members += [(f"{key}.jpg", image), (f"{key}.json", rows[-1]["json"])]
        place.write(f"part-{number}.tar", packed(members))
    return rows


def test_each_row_is_found_by_its_number_alone_or_with_others(place: Input) -> None:
    rows = fill(place)
    found = tar(f"{place.uri}/*.tar", id="__key__")
    require_rows_by_number(found, rows)
    assert found.row_ids([7]) == [rows[7]["__key__"]]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_loader_processes_read_the_same(place: Input, method: str) -> None:
    rows = fill(place)
    reader = tar(f"{place.uri}/", decode={"json": json.loads}, columns=["json"])
    found = rows_by_processes(reader, method)
    assert found == [{"json": number} for number in range(len(rows))]


def test_columns_are_given_in_their_order_and_none_where_a_sample_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(packed([("1.a", b"1"), ("1.b", b"2"), ("2.a", b"3")]))
    found = pickle.loads(pickle.dumps(tar(tmp_path, columns=["b", "__key__"])))
    assert [list(row.items()) for row in found] == [
        [("b", b"2"), ("__key__", "1")],
        [("b", None), ("__key__", "2")],
    ]


def test_a_row_has_its_id_though_another_column_cannot_be_decoded(tmp_path: Path) -> None:
    def refuse(content: bytes) -> Any:
        raise OSError("no image")

    (tmp_path / "a.tar").write_bytes(packed([("a.jpg", b"x"), ("b.txt", b"b"), ("c.jpg", b"y")]))
    found = tar(tmp_path / "a.tar", id="__key__", decode={"jpg": refuse})
    assert found.row_ids([0, 2]) == ["a", "c"]
    assert found[1] == {"__key__": "b", "txt": b"b"}
    with pytest.raises(OSError, match="no image"):
        found[0]


def test_what_decode_raises_says_which_sample_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(packed([("1.json", b"1"), ("2.json", b"{")]))
    found = tar(tmp_path, decode={"json": json.loads})
    with pytest.raises(ValueError, match="Expecting") as raised:
        found.__getitems__([0, 1])
    (note,) = raised.value.__notes__
    assert note.endswith("a.tar: row 1, '2' (1 bytes)")
    assert found[0] == {"__key__": "1", "json": 1}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"columns": "jpg"}, "must be a list of extensions"),
        ({"columns": ["jpg"], "id": "__key__"}, "id '__key__' is not among columns jpg"),
    ],
)
def test_arguments_are_checked_where_they_are_given(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        tar("x", **given)
