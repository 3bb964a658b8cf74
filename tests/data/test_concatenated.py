"""Several readers as one dataset."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from batchprocess.data import concat, jsonl, parquet, text
from batchprocess.data.column_dataset import ColumnDataset
from batchprocess.data.concatenated import Concatenated
from batchprocess.data.rows.arrow_rows import ArrowRows
from batchprocess.data.rows.row_ids import RowId
from batchprocess.protocol.errors import InvalidArgument


class FakeReader(ColumnDataset):
    """Rows `(name, number)`, and what it was asked for."""

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size, self.asked = name, size, list[list[int]]()

    def __len__(self) -> int:
        return self.size

    def __getitems__(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        self.asked.append(list(rows))
        return [{self.name: row} for row in rows]

    def row_ids(self, rows: Sequence[int]) -> list[RowId]:
        return [f"{self.name}:{row}" for row in rows]

    def file_of(self, row: int) -> str:
        return f"{self.name}.{row}"


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.data())
def test_rows_are_those_of_the_first_then_of_the_second(sizes: list[int], data: Any) -> None:
    readers = [FakeReader(str(number), size) for number, size in enumerate(sizes)]
    found = concat(*readers)
    every = [(one.name, row) for one in readers for row in range(one.size)]
    assert len(found) == len(every)
    some = data.draw(st.lists(st.integers(0, len(every) - 1))) if every else []
    assert found.__getitems__(some) == [dict([every[row]]) for row in some]
    assert found.row_ids(some) == [":".join(map(str, every[row])) for row in some]
    assert [found.file_of(row) for row in some] == [".".join(map(str, every[row])) for row in some]


def test_rows_of_one_reader_are_asked_for_together() -> None:
    one, other = FakeReader("a", 5), FakeReader("b", 5)
    concat(one, other).__getitems__([1, 3, 4, 5, 6, -1])
    assert (one.asked, other.asked) == ([[1, 3, 4]], [[0, 1, 4]])


def test_tables_of_one_kind_stay_tables_across_readers(tmp_path: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(pa.table({"x": pa.array([1, 2], pa.int32())}), tmp_path / f"{name}.parquet")
    found = concat(parquet(tmp_path / "a.parquet"), parquet(tmp_path / "b.parquet"))
    rows = found.__getitems__([1, 2])
    assert type(rows) is ArrowRows
    assert rows.table.column("x").type == pa.int32()
    assert rows.table.to_pydict() == {"x": [2, 1]}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_loader_processes_read_the_same(tmp_path: Path, method: str) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    (tmp_path / "b.jsonl").write_text('{"text": "three"}\n')
    found = concat(text(tmp_path / "a.txt"), jsonl(tmp_path / "b.jsonl", id="text"))
    assert len(pickle.loads(pickle.dumps(found))) == len(found) == 3
    loader = DataLoader(
        found, batch_size=2, num_workers=2, collate_fn=list, multiprocessing_context=method
    )
    assert [row["text"] for batch in loader for row in batch] == ["one", "two", "three"]
    assert found.row_ids(range(3)) == ["a.txt:0", "a.txt:1", "three"]


def test_the_fingerprint_is_of_all_readers_and_their_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "b.txt").write_text("two\n")
    a, b = text(tmp_path / "a.txt"), text(tmp_path / "b.txt")
    found = [concat(*some).fingerprint() for some in ([a, b], [b, a], [a], [a, b, b])]
    assert len(set(found)) == 4
    assert concat(a, text(tmp_path / "b.txt")).fingerprint() == found[0]


def test_every_reader_is_asked_to_know_its_rows_as_the_run_does() -> None:
    asked = []

    class Prepared(FakeReader):
        def prepare_in_run(self, run: Any, tell: Any = None) -> bool:
            asked.append((self.name, run, tell))
            return self.name == "a"

    run: Any = object()
    tell: Any = object()
    assert Concatenated([Prepared("a", 1), Prepared("b", 1)]).prepare_in_run(run, tell)
    assert asked == [("a", run, tell), ("b", run, tell)]
    assert not Concatenated([Prepared("b", 1)]).prepare_in_run(run)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "at least one reader"),
        ([FakeReader("a", 1), [1]], "argument 2 is a list, and no reader"),
    ],
)
def test_what_is_no_reader_is_refused(given: list[Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        concat(*given)
