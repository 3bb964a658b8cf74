"""What is no file of its format is told by name, also if it has no bytes."""

from pathlib import Path

import pytest

from batchprocess.data.index.build import build_index
from batchprocess.data.index.folder import Index
from batchprocess.data.index.wanted import wanted_of
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.patience import ATTENDED


@pytest.mark.parametrize(
    ("name", "rows", "sentence"),
    [
        ("a.parquet", "parquet", r"a\.parquet is no whole Parquet file"),
        ("a.tar", "tar", r"a\.tar is no tar file, or a damaged one \(empty file\)"),
        ("a.gz", "lines", r"a\.gz is cut off"),
        ("a.csv.gz", "csv", r"a\.csv\.gz is cut off"),
    ],
)
def test_an_empty_file_is_none_of_most_formats(
    tmp_path: Path, name: str, rows: str, sentence: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).touch()
    (tmp_path / "index").mkdir()
    with pytest.raises(InvalidArgument, match=sentence):
        build_index(wanted_of(tmp_path / "in", rows), tmp_path / "index", ATTENDED)


@pytest.mark.parametrize("rows", ["lines", "csv"])
def test_an_empty_file_of_texts_has_no_rows(tmp_path: Path, rows: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").touch()
    (tmp_path / "in" / "b").write_text("x\n1\n")
    (tmp_path / "index").mkdir()
    build_index(wanted_of(tmp_path / "in", rows), tmp_path / "index", ATTENDED)
    index = Index(tmp_path / "index")
    assert (index.first_row(0), index.first_row(1)) == (None, 0)
    assert index.place(0).object == 1
