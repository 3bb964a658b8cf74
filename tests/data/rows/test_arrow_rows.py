"""Rows as tables, and joining such."""

import pyarrow as pa
import pytest

from batchprocess.data.rows.arrow_rows import ArrowRows, join_tables
from batchprocess.protocol.errors import InvalidArgument


def test_rows_are_dicts_and_slices_lists_of_them() -> None:
    rows = ArrowRows(pa.table({"a": [1, 2, 3]}))
    assert (len(rows), rows[-1], rows[1:]) == (3, {"a": 3}, [{"a": 2}, {"a": 3}])
    assert rows.values("a") == [1, 2, 3]
    with pytest.raises(InvalidArgument, match="id 'b' is no column: there are a"):
        rows.values("b")


def test_tables_are_joined_by_the_names_of_their_columns() -> None:
    schema = pa.schema([pa.field("a", pa.int32(), nullable=False), pa.field("b", pa.string())])
    one = pa.table({"a": [1], "b": ["x"]}, schema)
    other = pa.table({"b": ["y"], "a": pa.array([None], pa.int32())})
    joined = join_tables([one, other])
    assert joined.to_pylist() == [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]
    assert joined.schema.field("a").type == pa.int32()
    assert join_tables([one]) is one


@pytest.mark.parametrize(
    ("other", "sentence"),
    [({"a": ["x"]}, "has two types"), ({"b": [1]}, "column 'a' is in one part")],
)
def test_tables_of_other_columns_are_refused(other: dict[str, list[object]], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        join_tables([pa.table({"a": [1]}), pa.table(other)])
