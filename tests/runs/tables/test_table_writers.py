"""Rows of a table as a file of another kind."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchprocess.runs.tables import table_writers
from batchprocess.runs.tables.table_writers import WRITERS


def test_a_row_group_is_written_once_it_has_so_many_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pa.record_batch({"id": pa.array(range(4), pa.int64())})
    monkeypatch.setattr(table_writers, "_GROUP_BYTES", 2 * rows.nbytes)
    writer = WRITERS[".parquet"](tmp_path / "all.parquet", rows.schema)
    for _ in range(5):
        writer.add(rows)
    writer.finish()
    found = pq.ParquetFile(tmp_path / "all.parquet").metadata
    assert [found.row_group(number).num_rows for number in range(3)] == [8, 8, 4]


def test_texts_in_views_are_texts_in_csv(tmp_path: Path) -> None:
    rows = pa.record_batch(
        {"id": ["a"], "x": pa.array(["long enough for a view"], pa.string_view())}
    )
    writer = WRITERS[".csv"](tmp_path / "all.csv", rows.schema)
    writer.add(rows)
    writer.finish()
    assert (tmp_path / "all.csv").read_text() == '"id","x"\n"a","long enough for a view"\n'
