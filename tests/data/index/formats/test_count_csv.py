"""Counting CSV files: pieces, files that only a parser can count, and other columns."""

from dataclasses import replace
from pathlib import Path

import pytest

from batchprocess.data.index.formats import count_csv, csv_counter
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.packing import content
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.patience import ATTENDED
from batchprocess.storage.inputs.base import InputObject
from batchprocess.storage.inputs.local import LocalInputs


def known(folder: Path, *contents: bytes, suffix: str = "csv") -> list[KnownObject]:
    for number, some in enumerate(contents):
        (folder / f"{number}.{suffix}").write_bytes(some)
    return [
        KnownObject(LocalInputs(folder), InputObject(f"{number}.{suffix}", len(some)), ATTENDED)
        for number, some in enumerate(contents)
    ]


@pytest.mark.parametrize("piece", [3, 8, 1 << 20])
def test_rows_are_found_whatever_the_quotes_and_the_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(count_csv, "_PIECE", piece)
    monkeypatch.setattr(content, "_CHUNK", 4 * piece)
    files = known(
        tmp_path,
        b'\xef\xbb\xbfa,b\n1,"2\n"\n\n3,4',
        b'\xef\xbb\xbfb,a\n5" pipe,"6\n"\n\n7,8',
        b"",
        b"a,b",
        b'a,b\n"open,\nand open\n',
    )
    counter = count_csv.CsvFiles(files, None, ",")
    found = [(one.rows, one.marks.tolist()) for one in map(counter.count, files)]
    assert found == [(2, [[0, 7]]), (2, [[0, 7]]), (0, []), (0, []), (1, [[0, 4]])]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (None, r"column 'b' is in .*0\.csv, and not in .*1\.csv: leave one of the two out"),
        (["a", "b"], r"1\.csv has no column 'b'; it has a, c"),
    ],
)
def test_files_with_other_columns_are_refused(
    tmp_path: Path, columns: list[str] | None, sentence: str
) -> None:
    files = known(tmp_path, b"a,b\n", b"a,c\n")
    with pytest.raises(InvalidArgument, match=sentence):
        count_csv.CsvFiles(files, columns, ",").count(files[1])
    assert count_csv.CsvFiles(files, ["a"], ",").count(files[1]).rows == 0


def test_the_first_header_is_found_without_reading_the_whole_file(tmp_path: Path) -> None:
    record = b'1,"' + b"x" * 997 + b'"\n'
    files = known(tmp_path, b"", b"\n\n", b"a,b\n" + record * 1_000, b"b,a\n")
    read: list[int] = []
    told = [replace(one, on_read=read.append) for one in files]
    assert count_csv.CsvFiles(told, None, ",").count(files[3]).rows == 0
    assert sum(read) < 100_000


@pytest.mark.parametrize("content", [b"a\n" + b"x" * 50, b'a"b\n"' + b"x\n" * 25])
def test_no_more_than_a_long_line_is_ever_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(count_csv, "MAX_LINE", 20)
    monkeypatch.setattr(csv_counter, "MAX_LINE", 20)
    monkeypatch.setattr(count_csv, "_PIECE", 10)
    with pytest.raises(InvalidArgument, match=r"0\.csv: .* bytes or more, at most 20 are allowed"):
        count_csv.CsvFiles([], None, ",").count(*known(tmp_path, content))
