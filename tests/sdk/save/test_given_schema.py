"""`schema=`: the types that all batches have, whatever a batch is of."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from batchprocess.protocol.errors import SchemaDiffers
from batchprocess.sdk.save.column_types import columns_of
from batchprocess.sdk.save.saver import Saver
from batchprocess.sdk.save.table_schemas import TableSchemas

NESTED = pa.list_(pa.struct([("label", pa.string()), ("score", pa.float32())]))


def saved(folder: Path, batches, schema, name: str = "x.parquet", ids=None):
    """The table that batches of column x make."""
    saver = Saver(folder, schemas=TableSchemas())
    for number, one in enumerate(batches):
        saver.save(name, columns_of(name, {"x": one}), ids or [number], schema)
    return pq.read_table(saver.cut_files().files.result()[name])


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("batches", "kind"),
    [
        ([[1], [0.5], [None]], pa.float64()),
        ([[1], [0.5], [None]], "float32"),
        ([[1], [2**64 - 1]], "uint64"),
        ([[[]], [[{"label": "a", "score": 0.5}]], [[{"label": "b"}]], [None]], NESTED),
        ([pa.array([1], pa.int8()), [300]], "int16"),
        ([torch.ones(1), [0.5]], "float32"),
        ([torch.ones(1).bfloat16(), np.ones(1, np.float32)], "bfloat16"),
    ],
    ids=["floats", "given", "unsigned", "nested", "arrow", "tensors", "bfloat16"],
)
def test_batches_of_several_types_become_the_one_that_holds_them(
    tmp_path: Path, batches, kind, order
) -> None:
    table = saved(tmp_path, batches[::order], {"x": kind})
    wanted = {"float32": pa.float32(), "bfloat16": pa.float32()}.get(kind, kind)
    assert table["x"].type == (pa.type_for_alias(wanted) if isinstance(wanted, str) else wanted)
    flat = [
        value for one in batches[::order] for value in getattr(one, "tolist", lambda o=one: o)()
    ]
    expected = [[v] if isinstance(v, dict) else v for v in flat]
    if kind is not NESTED:
        assert table["x"].to_pylist() == expected


def test_a_schema_of_pyarrow_may_name_the_ids_too(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.uint64()), ("x", pa.float32())])
    table = saved(tmp_path, [[0.5], [None]], schema)
    assert table.schema.types == [pa.uint64(), pa.float32()]
    for ids, kind in ((["a"], "string"), ([2**64 - 1], "uint64"), ([-1], "int64")):
        assert saved(tmp_path / kind, [[0.5]], {"id": kind}, ids=ids)["id"].to_pylist() == ids
    with pytest.raises(TypeError, match="ids= are texts, and schema= has int64 for column 'id'"):
        saved(tmp_path / "no", [[0.5]], {"id": "int64"}, ids=["a"])


def test_a_type_is_that_of_a_tensors_numbers_whatever_its_shape(tmp_path: Path) -> None:
    table = saved(tmp_path, [torch.ones(1, 2, 3)], {"x": "float32"})
    assert table["x"].type == pa.list_(pa.list_(pa.float32(), 3), 2)
    with pytest.raises(
        TypeError, match=r"column 'x' is .*double.*, and schema= has float: convert"
    ):
        saved(tmp_path / "no", [torch.ones(1, 2).double()], {"x": "float32"})


@pytest.mark.parametrize("name", ["x.npy", "x.safetensors"])
def test_tensors_have_the_dtype_that_was_said(tmp_path: Path, name) -> None:
    saver = Saver(tmp_path, schemas=TableSchemas())
    saver.save(name, {"x": torch.ones(1, 2)}, [0], {"x": pa.float32(), "id": "int64"})
    with pytest.raises(TypeError, match="column 'x' is float32, and schema= has float16"):
        saver.save(name, {"x": torch.ones(1, 2)}, [0], {"x": torch.float16})
    with pytest.raises(ValueError, match="has 'list' for column 'x': use one of float64"):
        saver.save(name, {"x": torch.ones(1, 2)}, [0], {"x": "list"})
    saver.cut_files().files.result()


def test_a_value_that_the_type_does_not_hold_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"'x\.parquet': column 'x' has double, a value is 0\.1"):
        saved(tmp_path, [[0.1]], {"x": "float32"})


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ({"y": "int8"}, "schema= has column 'y', and the rows have not"),
        ({"x": "flaot"}, "schema= has 'flaot' for column 'x': use a name like"),
        ("float32", "schema= must be a dict from columns to types"),
        (pa.schema([]), "schema= must be a dict"),
    ],
    ids=str,
)
def test_what_is_no_schema_of_these_rows_is_refused(tmp_path: Path, schema, sentence) -> None:
    with pytest.raises((ValueError, TypeError), match=sentence):
        saved(tmp_path, [[1]], schema)


def test_lines_of_json_have_none(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"a \.jsonl has no schema"):
        Saver(tmp_path).save("x.jsonl", {"x": [1]}, [0], {"x": "int64"})


def test_the_run_has_the_last_word(tmp_path: Path) -> None:
    saver = Saver(tmp_path, schemas=TableSchemas())
    saver.save("x.parquet", {"x": [1]}, [0])
    with pytest.raises(SchemaDiffers, match="has double here"):
        saver.save("x.parquet", {"x": [1]}, [1], {"x": "float64"})
