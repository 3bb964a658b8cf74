"""CSV as rows, from a folder and from a real S3 server."""

import csv as csv_module
import gzip
import io
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batchprocess.data import csv
from batchprocess.data.csv_rows import CsvRows
from batchprocess.data.index.formats import count_csv, marks
from batchprocess.data.index.formats.csv_text import record_spans
from batchprocess.protocol.errors import InvalidArgument
from data.conftest import Input
from support.read_rows import require_rows_by_number, rows_by_processes

pytestmark = pytest.mark.slow


def fill(place: Input) -> list[dict[str, str]]:
    """Files of 0 to 3,000 rows, some with quotes that only a parser understands; the rows."""
    drawn = random.Random(1)
    rows = []
    for number, size in enumerate([3, 0, 3000, 1, 700]):
        made = io.StringIO(newline="")
        writer = csv_module.writer(made, lineterminator="\r\n" if number % 2 else "\n")
        writer.writerow(["id", "text"] if number % 2 else ["text", "id"])
        for _ in range(size):
            text = drawn.choice(["", "ä", "a,b", 'say "a"\n\nb', "x" * 900, "007", " ", "\u2028"])
            rows.append({"id": str(len(rows)), "text": text})
            writer.writerow([len(rows) - 1, text] if number % 2 else [text, len(rows) - 1])
        if number == 4:
            rows.append({"id": '5" pipe', "text": "é"})
            made.write('é,5" pipe\n')
        bom = b"\xef\xbb\xbf" if number % 2 else b""
        place.write(f"part-{number}.csv", bom + made.getvalue().encode())
    return rows


def test_each_row_is_found_by_its_number_alone_or_with_others(place: Input) -> None:
    rows = fill(place)
    found = csv(f"{place.uri}/*.csv")
    require_rows_by_number(found, rows)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_loader_processes_read_the_same(place: Input, method: str) -> None:
    rows = fill(place)
    assert rows_by_processes(csv(f"{place.uri}/"), method) == rows


@pytest.mark.parametrize("quote", ["", '"'])
def test_packed_files_have_the_same_rows(tmp_path: Path, quote: str) -> None:
    text = "b,a\n" + "".join(f'{n} {quote}x,"{n}\n"\n' for n in range(2000))
    packed = [text[:9000].encode(), text[9000:].encode()]
    (tmp_path / "a.csv.gz").write_bytes(b"".join(map(gzip.compress, packed)))
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    found = csv(tmp_path)
    assert len(found) == 2001
    assert found[1234] == {"b": f"1234 {quote}x", "a": "1234\n"}
    assert found.__getitems__([1999, 2000, 0])[1:] == [
        {"a": "1", "b": "2"},
        {"b": f"0 {quote}x", "a": "0\n"},
    ]


@given(st.text(st.sampled_from('ab,,"\n\n\r '), max_size=60), st.booleans(), st.integers(0, 60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example('x" pipe,1\n"a\nb",2\n3,4', True, 9)
def test_of_any_bytes_each_row_is_what_the_csv_module_reads_or_a_bad_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, packed: bool, cut: int
) -> None:
    monkeypatch.setattr(marks, "EVERY_ROWS", 2)
    monkeypatch.setattr(count_csv, "_PIECE", 7)
    whole = ("h,i\n" + text).encode()
    spans = list(record_spans(io.BytesIO(whole), ","))[1:]
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(whole[:cut]) + gzip.compress(whole[cut:]) if packed else whole)
    found = csv(path)
    if not spans:
        with pytest.raises(InvalidArgument, match="has no rows"):
            len(found)
        return
    assert len(found) == len(spans)
    for row in reversed(range(len(spans))):
        assert read(found, row) == expected(whole[slice(*spans[row])].decode())


def read(found: CsvRows, row: int) -> list[str] | None:
    try:
        return list(found[row].values())
    except ValueError:
        return None


def expected(record: str) -> list[str] | None:
    """None of a bad row."""
    try:
        rows = list(csv_module.reader(io.StringIO(record, newline="\n"), strict=True))
    except csv_module.Error:
        return None
    (fields,) = [row for row in rows if row]
    return fields if len(fields) == 2 else None


def test_columns_are_given_in_their_order_and_one_may_be_the_id(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x;b;a\n1;2;3\n")
    found = csv(tmp_path / "a.csv", columns=["a", "b"], id="b", delimiter=";")
    assert [list(row.items()) for row in pickle.loads(pickle.dumps(found))] == [
        [("a", "3"), ("b", "2")]
    ]
    assert found.row_ids([0]) == ["2"]


def test_another_delimiter_is_another_dataset(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a;b,c\n1;2,3\n")
    assert csv(tmp_path).fingerprint() != csv(tmp_path, delimiter=";").fingerprint()


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (b"1", "row 1 has 1 fields, and the header has 2: '1"),
        (b"1,2,3", "row 1 has 3 fields, and the header has 2: '1,2,3"),
        (b"1,\xff", "row 1 is not UTF-8 (byte 2)"),
        (b"1,\0", "row 1 has a NUL character"),
        (b'1,"2"3', "row 1 is no CSV (',' expected after '\"')"),
        (b"1,2\r3", "row 1 is no CSV (new-line character seen in unquoted field"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, record: bytes, sentence: str) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n0,0\n" + record + b"\n2,2\n")
    found = csv(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"a\.csv: row 1") as raised:
        found.__getitems__([0, 1, 2])
    assert sentence in str(raised.value)
    assert [found[0], found[2]] == [{"a": "0", "b": "0"}, {"a": "2", "b": "2"}]


def test_a_quote_that_is_not_closed_makes_one_bad_row_of_all_behind_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'a,b\n0,0\n1,"1\n2,2\n')
    found = csv(tmp_path / "a.csv")
    assert (len(found), found[0]) == (2, {"a": "0", "b": "0"})
    with pytest.raises(ValueError, match=r"row 1 is no CSV \(unexpected end of data\)"):
        found[1]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "has no rows"),
        (b"a,b\n", "has no rows"),
        (b"a,a\n1,2\n", "column 2 has the name 'a' of column 1"),
        ("a,b\n1,2\n".encode("utf-16"), "the header is not UTF-8"),
    ],
)
def test_what_cannot_be_read_at_all_is_said_by_len(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InvalidArgument, match=sentence):
        len(csv(tmp_path))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"columns": "a"}, "must be a list of names"),
        ({"columns": []}, "must be a list of names"),
        ({"delimiter": ",,"}, "delimiter ',,' must be one of"),
        ({"columns": ["a"], "id": "b"}, "id 'b' is not among columns a"),
    ],
)
def test_arguments_are_checked_where_they_are_given(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        csv("x", **given)
