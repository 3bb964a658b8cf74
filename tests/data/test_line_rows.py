"""Lines as rows, from a folder and from a real S3 server."""

import gzip
import json
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchprocess.data import jsonl, text
from batchprocess.data.index.packing import unpacked
from batchprocess.data.line_rows import MAX_LEVELS
from batchprocess.protocol.errors import BatchProcessError, InputChanged, InvalidArgument
from batchprocess.storage.inputs.base import InputObject
from batchprocess.storage.inputs.local import LocalInputs
from data.conftest import Input
from support.read_rows import require_rows_by_number, rows_by_processes

pytestmark = pytest.mark.slow


def fill(place: Input) -> list[dict[str, Any]]:
    """Files of 0 to 3,000 lines with every kind of line end; the rows, in order."""
    drawn = random.Random(1)
    rows = []
    for number, size in enumerate([3, 0, 3000, 1, 700]):
        content = b"\xef\xbb\xbf" if number % 2 == 0 else b""
        for _ in range(size):
            row = {"id": len(rows), "text": "ä" * drawn.choice([0, 1, 60, 900])}
            rows.append(row)
            content += json.dumps(row, ensure_ascii=False).encode()
            content += drawn.choice([b"\n", b"\r\n", b"\n\n", b"\n \r\n"])
        place.write(f"part-{number}.jsonl", content.rstrip() if number == 2 else content)
    place.write("_SUCCESS", b"")
    return rows


def test_each_row_is_found_by_its_number_alone_or_with_others(place: Input) -> None:
    rows = fill(place)
    found = jsonl(f"{place.uri}/*.jsonl")
    require_rows_by_number(found, rows)
    assert [found[0], found[2], found[3], found[-1]] == [rows[0], rows[2], rows[3], rows[-1]]
    with pytest.raises(IndexError, match=f"row {len(rows)} of {len(rows)}"):
        found[len(rows)]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_loader_processes_read_the_same(place: Input, method: str) -> None:
    rows = fill(place)
    assert rows_by_processes(jsonl(f"{place.uri}/"), method) == rows


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_packed_files_have_the_same_rows_wherever_they_are_read_from(
    place: Input, method: str
) -> None:
    zstandard = pytest.importorskip("zstandard")
    rows = [{"id": n, "text": "x" * (n % 700)} for n in range(12_000)]
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    parts = [b"".join(lines[at : at + 1000]) for at in range(0, 12_000, 1000)]
    pack_zstd = zstandard.ZstdCompressor().compress
    place.write("a.jsonl.gz", gzip.compress(b"".join(parts[:4])))
    place.write("b.jsonl.zst", b"".join(map(pack_zstd, parts[4:7])) + pack_zstd(b""))
    place.write("c.jsonl", parts[7])
    place.write("d.jsonl.GZ", b"".join(map(gzip.compress, parts[8:])))
    found = jsonl(f"{place.uri}/*", id="id")
    assert rows_by_processes(found, method) == rows
    drawn = random.Random(2)
    for _ in range(10):
        some = [drawn.randrange(len(rows)) for _ in range(3)]
        some += range(some[0], min(some[0] + 30, len(rows)))
        assert found.__getitems__(some) == [rows[one] for one in some]
        assert found.row_ids(some) == some


def test_of_a_file_of_many_members_only_those_near_a_row_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacked, "_POINT_BYTES", 1000)
    monkeypatch.setattr(unpacked, "_CHUNK", 1000)
    drawn = random.Random(1)
    lines = [b"%d %s\n" % (n, drawn.randbytes(30).hex().encode()) for n in range(3000)]
    members = [gzip.compress(b"".join(lines[at : at + 30])) for at in range(0, 3000, 30)]
    path = tmp_path / "a.txt.gz"
    path.write_bytes(b"".join(members))
    found, sizes = text(path), list[int]()
    assert len(found) == 3000
    read = LocalInputs.read

    def counted(place: LocalInputs, known: InputObject, start: int, stop: int) -> bytes:
        sizes.append(stop - start)
        return read(place, known, start, stop)

    monkeypatch.setattr(LocalInputs, "read", counted)
    assert found[2900]["text"].startswith("2900 ")
    assert sum(sizes) < path.stat().st_size / 5


def test_a_copy_has_the_rows_of_the_first_listing(place: Input) -> None:
    place.write("a.txt", b"one\n\ntwo")
    found = text(place.uri + "/")
    assert len(found) == 3
    place.write("b.txt", b"three")
    again = pickle.loads(pickle.dumps(found))
    assert [row["text"] for row in again] == ["one", "", "two"]
    assert again.fingerprint() == found.fingerprint() != text(place.uri + "/").fingerprint()


def test_an_object_that_is_changed_or_gone_is_an_error_that_names_it(place: Input) -> None:
    place.write("a.txt", b"one\ntwo\n")
    place.write("b.txt", b"three\n")
    found = text(place.uri + "/")
    assert found[2] == {"text": "three"}
    place.write("a.txt", b"one, and more\n")
    with pytest.raises(InputChanged, match=r"a\.txt"):
        found[0]
    place.remove("b.txt")
    with pytest.raises(InputChanged, match=r"b\.txt is gone"):
        found[2]


def test_columns_are_given_in_their_order_and_none_where_a_row_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"b": 1, "a": 12345678901234567890123}\n{"a": null}\n')
    found = jsonl(tmp_path, columns=["a", "b"])
    assert [list(row.items()) for row in found] == [
        [("a", 12345678901234567890123), ("b", 1)],
        [("a", None), ("b", None)],
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b'{"a": 1', "row 1 is no JSON (Expecting ',' delimiter, column 8): '{\"a\": 1'"),
        (b"[1]", "row 1 is no JSON object, but a list"),
        (b'{"a": "\xff"}', "row 1 is not UTF-8 (byte 7)"),
        (b'{"a":' + b"[" * 100_000, 'row 1 is nested deeper than 200 levels: \'{"a"'),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, line: bytes, sentence: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"a": 0}\n' + line + b'\n{"a": 2}')
    found = jsonl(tmp_path / "a.jsonl")
    with pytest.raises(ValueError, match=r"a\.jsonl: row 1") as raised:
        found[1]
    assert sentence in str(raised.value)
    assert (found[0], found[2]) == ({"a": 0}, {"a": 2})


@pytest.mark.parametrize("wrap", [lambda inner: [1, inner], lambda inner: {"b": inner, "c": "]"}])
def test_a_row_may_be_nested_so_deep_and_no_deeper(
    tmp_path: Path, wrap: Callable[[Any], Any]
) -> None:
    def row(levels: int) -> dict[str, Any]:
        inner: Any = 1
        for _ in range(levels - 1):
            inner = wrap(inner)
        return {"brackets": "[{" * 300, "many": [[]] * 500, "a": inner}

    rows = [row(MAX_LEVELS), row(MAX_LEVELS + 1), row(3)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = jsonl(tmp_path / "a.jsonl")
    # As a loader process sends them.
    assert pickle.loads(pickle.dumps(found.__getitems__([0, 2]))) == [rows[0], rows[2]]
    with pytest.raises(ValueError, match="row 1 is nested deeper than 200 levels"):
        found[1]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda at: jsonl(at / "empty"), "has no rows: 1 files, and none"),
        (lambda at: text(at / "a.txt.gz"), r"a.txt.gz is no gzip"),
        (lambda at: text(at / "a.txt.xz"), r"a.txt.xz is packed"),
        (lambda at: text("s3://no-such-bucket-of-ours/"), "credentials|bucket|Not Found|403"),
    ],
)
def test_what_cannot_be_read_at_all_is_said_by_len(
    tmp_path: Path, make: Callable[[Path], Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.jsonl").write_text("\n\n")
    (tmp_path / "a.txt.gz").write_bytes(b"x" * 50)
    (tmp_path / "a.txt.xz").write_bytes(b"x")
    with pytest.raises(BatchProcessError, match=sentence):
        len(make(tmp_path))


@pytest.mark.parametrize("columns", ["a", []])
def test_columns_must_be_a_list(columns: Any) -> None:
    with pytest.raises(InvalidArgument, match="must be a list of keys"):
        jsonl("x", columns=columns)
