"""Files as rows."""

from pathlib import Path

import pytest

from batchprocess.data import files
from data.conftest import Input

pytestmark = pytest.mark.slow


def test_each_file_is_a_row_with_its_key(place: Input) -> None:
    for key, content in {"b/2.bin": b"two", "a/1.bin": b"one", "c.bin": b""}.items():
        place.write(key, content)
    found = files(f"{place.uri}/**/*.bin")
    assert [(row["key"].rpartition("/")[2], row["bytes"]) for row in found] == [
        ("1.bin", b"one"),
        ("2.bin", b"two"),
        ("c.bin", b""),
    ]


def test_decode_makes_of_the_bytes_what_the_row_has(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name).write_text(name * 3)
    assert files(tmp_path, decode=int)[1] == {"key": "2", "data": 222}


def test_an_error_of_decode_says_of_which_file(tmp_path: Path) -> None:
    (tmp_path / "bad.bin").write_text("no number")
    found = files(tmp_path, decode=int)
    with pytest.raises(ValueError, match="invalid literal") as raised:
        found[0]
    assert raised.value.__notes__ == [f"in decode of {tmp_path}/bad.bin (9 bytes)"]
