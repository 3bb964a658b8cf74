"""An index is kept as a whole where it is not kept by blocks."""

import json
from pathlib import Path

import numpy as np
import pytest

from batchprocess.data.index import whole
from batchprocess.data.index.folder import Index, write_index
from batchprocess.data.index.whole import pack_index, unpack_index
from batchprocess.data.listing.object_list import OBJECTS, finish, write_objects
from batchprocess.protocol.errors import VerificationError
from batchprocess.storage.inputs.base import InputObject


def written(folder: Path) -> Index:
    folder.mkdir(exist_ok=True)
    objects = [(0, InputObject("a", 10)), (0, InputObject("b", 900))]
    finish(folder, write_objects(folder, ("r",), objects))
    write_index(folder, [(2, np.array([[0, 0]])), (300, np.array([[0, 3], [256, 800]]))])
    return Index(folder)


def test_an_index_comes_back_as_it_was(tmp_path: Path) -> None:
    first = written(tmp_path / "first")
    body = pack_index(tmp_path / "first")
    assert body is not None
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / OBJECTS).write_bytes((tmp_path / "first" / OBJECTS).read_bytes())
    finish(tmp_path / "again", first.objects.about)
    unpack_index(tmp_path / "again", body)
    again = Index(tmp_path / "again")
    assert again.rows == first.rows == 302
    assert again.span(1, 10, 20, 900) == first.span(1, 10, 20, 900) == (3, 800, 0)


def test_what_is_too_much_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path)
    monkeypatch.setattr(whole, "MAX_BYTES", 50)
    assert pack_index(tmp_path) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]\n",
        b'{"rows": "x"}\n',
        json.dumps({"../rows": 1}).encode() + b"\nx",
        json.dumps({"rows": 2}).encode() + b"\nx",
        json.dumps({"rows": -1, "marks": 2}).encode() + b"\nx",
        b"{}\n",
    ],
)
def test_what_is_no_index_is_refused(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(VerificationError, match="the index of the run's input"):
        unpack_index(tmp_path, body)
    assert list(tmp_path.iterdir()) == []
