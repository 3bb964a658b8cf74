"""Which reader a job's `input` means, and what it cannot mean."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchprocess.data.by_settings import reader_for
from batchprocess.data.csv_rows import CsvRows
from batchprocess.data.file_rows import FileRows
from batchprocess.data.line_rows import LineRows
from batchprocess.data.parquet_rows import ParquetRows
from batchprocess.data.tar_rows import TarRows
from batchprocess.protocol.environment import InputSettings
from batchprocess.protocol.errors import InvalidArgument


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"uri": "s3://b/*.jsonl"}, LineRows),
        ({"uri": "a.NDJSON", "columns": ["x"]}, LineRows),
        ({"uri": "a.txt"}, LineRows),
        ({"uri": "a.csv", "columns": ["x"], "id": "x"}, CsvRows),
        ({"uri": "a.tsv"}, CsvRows),
        ({"uri": "a-*.jsonl.gz"}, LineRows),
        ({"uri": "s3://b/a.csv.ZST"}, CsvRows),
        ({"uri": "in/*.csv*"}, CsvRows),
        ({"uri": "a-*.tar", "columns": ["jpg", "__key__"], "id": "__key__"}, TarRows),
        ({"uri": "in/**/*.parquet", "columns": ["x"]}, ParquetRows),
        ({"uri": "s3://b/images/", "format": "files"}, FileRows),
        ({"uri": "@list", "format": "parquet"}, ParquetRows),
    ],
)
def test_the_suffix_says_it_where_the_format_does_not(
    given: dict[str, Any], kind: type, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list").write_text("a.parquet")
    assert type(reader_for(InputSettings(**given), "/out/job/run")) is kind


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"uri": "s3://b/in/"}, "input.format: 's3://b/in/' has no suffix that says it"),
        ({"uri": "s3://b/in.gz"}, "input.format: 's3://b/in.gz' has no suffix that says it"),
        ({"uri": "a.txt", "columns": ["x"]}, "input.columns: rows of format text have no columns"),
        ({"uri": "a", "format": "files", "columns": ["x"]}, "input.columns"),
        ({"uri": "a.txt", "id": "x"}, "input.id: rows of format text have no column of ids"),
        ({"uri": "a.jsonl", "columns": ["x"], "id": "y"}, "id 'y' is not among columns x"),
        ({"uri": "ftp://host/a.txt"}, "source 'ftp://host/a.txt' is not understood"),
    ],
)
def test_what_it_cannot_mean_is_refused_by_field(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        reader_for(InputSettings(**given), "/out/job/run")
    assert sentence in str(raised.value)


def test_tsv_has_tabulators_between_fields(tmp_path: Any) -> None:
    (tmp_path / "in.tsv").write_text("a,b\tc\n1\t2\n")
    assert reader_for(InputSettings(uri=f"{tmp_path}/*.tsv"), "/out/job/run")[0] == {
        "a,b": "1",
        "c": "2",
    }


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "csv"])
def test_other_columns_are_another_dataset(tmp_path: Any, kind: str) -> None:
    (tmp_path / "in.jsonl").write_text('{"a": 1, "b": 2}\n')
    (tmp_path / "in.csv").write_text("a,b\n1,2\n")
    pq.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "in.parquet")
    uri = str(tmp_path / f"in.{kind}")
    found = {
        reader_for(InputSettings(uri=uri, columns=columns), "/out/job/run").fingerprint()
        for columns in (None, ("a",), ("a", "b"))
    }
    assert len(found) == 3
