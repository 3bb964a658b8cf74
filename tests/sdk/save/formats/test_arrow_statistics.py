"""Statistics of columns, which readers leave out whole files by."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from batchprocess.ledger.draft import Draft
from batchprocess.protocol.tables.statistics import (
    MAX_STATISTICS_BYTES,
    MAX_STATISTICS_COLUMNS,
    FileStatistics,
)
from batchprocess.sdk.save.formats.arrow_statistics import ColumnStatistics
from batchprocess.sdk.save.formats.kept_statistics import kept_statistics
from support.contexts import context, made_pending
from support.saved_files import save_twice

NAN, INF = float("nan"), float("inf")


def told(*columns: pa.Array) -> FileStatistics:
    made = ColumnStatistics()
    for column in columns:
        made.add(pa.table({"x": column}))
    return made.result()


@pytest.mark.parametrize(
    ("columns", "nulls", "bounds"),
    [
        ([[3, 1], [None, 7]], 1, (1, 7)),
        ([[1.5, -2.0], [0.25]], 0, (-2.0, 1.5)),
        ([[1.0], [NAN]], 0, None),
        ([[NAN], [1.0]], 0, None),
        ([[1.0], [INF]], 0, None),
        ([[1], [2**53]], 0, None),
        ([[-(2**53 - 1)], [2**53 - 1]], 0, (-(2**53 - 1), 2**53 - 1)),
        ([["a"], [None]], 1, None),
    ],
)
def test_bounds_are_of_numbers_that_every_reader_keeps(columns, nulls, bounds):
    kinds = {pa.array(one).type for one in columns}
    made = told(*(pa.array(one) for one in columns))
    assert len(kinds) == 1 or None in columns[-1]
    assert (made.rows, made.nulls) == (sum(map(len, columns)), {"x": nulls})
    found = (made.least["x"], made.greatest["x"]) if made.least else None
    assert found == bounds


def test_no_value_has_no_bounds():
    made = told(pa.array([None, None], pa.int64()))
    assert (made.nulls, made.least) == ({"x": 2}, {})


def test_halves_are_counted_and_have_no_bounds(tmp_path):
    halves = torch.tensor([1.5, -2.0, 0.0, 65504.0], dtype=torch.float16)
    file = save_twice(tmp_path, "rows.parquet", {"half": halves}, [7, 8, 9, 10])["rows.parquet"]
    made = kept_statistics(file)
    assert (made.nulls, made.least) == ({"id": 0, "half": 0}, {"id": 7})
    assert pq.read_table(file)["half"].to_pylist() == halves.tolist()


def test_they_wait_beside_a_finished_file(tmp_path):
    columns = {"a": torch.arange(4), "v": torch.ones(4, 2)}
    files = save_twice(tmp_path, "rows.parquet", columns, [7, 8, 9, 10])
    made = kept_statistics(files["rows.parquet"])
    assert made == FileStatistics(
        rows=4,
        nulls={"id": 0, "a": 0, "v": 0},
        least={"id": 7, "a": 0},
        greatest={"id": 10, "a": 3},
    )
    assert pq.read_table(files["rows.parquet"]).num_rows == 4
    (tmp_path / "npy").mkdir()
    other = save_twice(tmp_path / "npy", "a.npy", {"a": torch.ones(4)}, [7, 8, 9, 10])
    assert kept_statistics(other["a.npy"]) is None


def test_only_the_first_columns_have_any():
    made = ColumnStatistics()
    made.add(pa.table({f"c{number}": [number] for number in range(MAX_STATISTICS_COLUMNS + 1)}))
    assert len(made.result().nulls) == len(made.result().least) == MAX_STATISTICS_COLUMNS


def test_a_record_has_room_for_those_of_few_files_and_for_how_many_rows_of_all(tmp_path):
    pending = made_pending(tmp_path)
    made = context(tmp_path, pending)
    columns = {f"{'c' * 100}{number}": torch.ones(1) for number in range(31)}
    for number in range(4):
        made.save(f"t{number}.parquet", columns, ids=[1])
    draft: Draft = pending.cut_commit((0, 1), (0, 1)).draft()
    found = [staged.statistics for _, staged in draft.tables]
    assert [one.rows for one in found] == [1] * 4
    assert [bool(one.nulls) for one in found] == [True, False, False, False]
    assert len(found[0].model_dump_json()) < MAX_STATISTICS_BYTES
