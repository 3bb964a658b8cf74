"""What an attempt lets its user save, once it knows what a table's columns are."""

import contextlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from batchprocess.protocol.errors import SchemaDiffers
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.tables.table_schema import MAX_TABLES, has_schema
from batchprocess.sdk.save.column_types import columns_of
from batchprocess.sdk.save.formats.tensor_types import TensorType
from batchprocess.sdk.save.saver import Saver
from batchprocess.sdk.save.table_schemas import TableSchemas, types_in, types_of


class OpenSaver(Saver):
    """As user code meets it: any kind of column may be saved."""

    def save(self, name, columns, ids, schema=None) -> None:
        super().save(name, columns_of(name, columns), ids, schema)


@pytest.fixture
def open_saver(tmp_path: Path):
    """Makes one, which is closed afterwards."""
    with contextlib.ExitStack() as opened:

        def make(schemas: TableSchemas | None = None) -> Saver:
            made = OpenSaver(tmp_path, schemas=schemas or TableSchemas())
            opened.callback(made.close)
            return made

        yield make


def column(made: Saver, name: str = "x.parquet"):
    """Of all that was saved since the last cut."""
    return pq.read_table(made.cut_files().files.result()[name])["x"]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2], [1.5, 2.5]),
        ([1, 2], [2**64 - 1, 2**63]),
        ([{"a": 1}] * 2, [{"a": 1, "b": 2}] * 2),
        (torch.ones(2), torch.ones(2, dtype=torch.float64)),
        (torch.ones(2), [1.0, 2.0]),
        (torch.ones(2, 3), torch.ones(2, 4)),
        (pa.array([1, 2], pa.int32()), [1, 2]),
        (pa.array(["a", "b"]), pa.array(["a", "b"], pa.large_string())),
    ],
    ids=str,
)
def test_a_type_that_merely_fits_is_refused_in_the_call_whoever_came_first(
    open_saver, one, other, first
) -> None:
    made, (before, after) = open_saver(), [(one, other), (other, one)][first]
    made.save("x.parquet", {"x": before}, [0, 1])
    made.cut_files()
    with pytest.raises(SchemaDiffers, match=r"'x\.parquet': column 'x.*' has .* in batches before"):
        made.save("x.parquet", {"x": after}, [2, 3])
    made.save("x.parquet", {"x": before}, [4, 5])


def test_the_sentence_has_file_column_value_both_types_and_the_remedy(open_saver) -> None:
    made = open_saver()
    made.save("x.parquet", {"x": [1]}, [0])
    with pytest.raises(SchemaDiffers) as caught:
        made.save("x.parquet", {"x": [2.5]}, [1])
    assert str(caught.value) == (
        "'x.parquet': column 'x' has double here (a value is 2.5), and int64 in batches before: "
        "convert it, say by schema={'x': ...} what all batches have, or save it under another "
        "name; a table with other types is another run's (--fresh, or a new runId)"
    )
    assert caught.value.exit_code == ExitCode.USER_CODE
    assert isinstance(caught.value, TypeError)


def test_a_value_that_python_has_not_is_told_by_its_type(open_saver) -> None:
    made = open_saver()
    made.save("x.parquet", {"x": [{"a": 1}]}, [0])
    first = np.datetime64("0000-01-01T00:00:00", "us")
    with pytest.raises(SchemaDiffers, match=r"\(a value is one of list<item: timestamp"):
        made.save("x.parquet", {"x": [[first]]}, [1])


@pytest.mark.parametrize("name", ["x.parquet", "x.npy", "x.safetensors"])
def test_tensors_of_any_format_keep_dtype_and_shape_for_the_run(open_saver, name) -> None:
    made = open_saver()
    made.save(name, {"x": torch.ones(2, 3)}, [0, 1])
    for other in (torch.ones(2, 3).half(), torch.ones(2, 4)):
        with pytest.raises(SchemaDiffers, match="column 'x' has"):
            made.save(name, {"x": other}, [2, 3])
    with pytest.raises(SchemaDiffers, match="column 'id' has string here, and int64"):
        made.save(name, {"x": torch.ones(2, 3)}, ["a", "b"])


def test_a_column_without_a_value_takes_the_type_of_other_batches(open_saver) -> None:
    made = open_saver()
    values = [[None, None], [{"a": [], "b": 1}, None], [{"a": ["u"], "b": None}, None], [None] * 2]
    for number, one in enumerate(values):
        made.save("x.parquet", {"x": one}, [2 * number, 2 * number + 1])
    kind = pa.struct([("a", pa.list_(pa.string())), ("b", pa.int64())])
    found = column(made)
    assert found.type == kind
    assert found.to_pylist() == [one for pair in values for one in pair]
    made.save("x.parquet", {"x": [None]}, [8])
    assert column(made).type == kind


def test_rows_of_a_group_that_was_written_before_have_the_type_too(
    open_saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchprocess.sdk.save.formats.parquet._GROUP_BYTES", 1)
    made = open_saver()
    for number, one in enumerate([None, 0.5, None]):
        made.save("x.parquet", {"x": [one]}, [number])
    found = column(made)
    assert (found.type, found.to_pylist()) == (pa.float64(), [None, 0.5, None])


def test_all_batches_have_the_same_columns_in_any_order(open_saver) -> None:
    made = open_saver()
    made.save("x.parquet", {"x": [1], "y": ["a"]}, [0])
    made.save("x.parquet", {"y": ["b"], "x": [2]}, [1])
    assert column(made).to_pylist() == [1, 2]
    for other in ({"x": [1]}, {"x": [1], "y": ["a"], "z": [1]}):
        with pytest.raises(SchemaDiffers, match="give every batch the same columns"):
            made.save("x.parquet", other, [2])


def test_what_the_run_has_is_known_from_the_start(open_saver) -> None:
    types = types_of("x.parquet", None, {"x": ("float32", ())})
    known = types.joined(types_of("x.parquet", TensorType("int64"), {"x": ("float32", ())}))
    schemas = TableSchemas()
    schemas.begin(enforced=True, kept={"x.parquet": (known.document("x.parquet"), "d")})
    made = open_saver(schemas)
    with pytest.raises(SchemaDiffers, match=r"has double here \(a value is 0.5\), and float in th"):
        made.save("x.parquet", {"x": [0.5]}, [0])
    made.save("x.parquet", {"x": [None]}, [0])
    assert column(made).type == pa.float32()
    assert schemas.digest("x.parquet") == "d"


def test_lists_of_float32_tensors_stay_float32(open_saver) -> None:
    made = open_saver()
    for number, one in enumerate([torch.ones(3), torch.ones(0), torch.ones(2, 2)[0]]):
        made.save("x.parquet", {"x": [one], "s": [one.sum()], "n": [{"t": one}]}, [number])
    table = pq.read_table(made.cut_files().files.result()["x.parquet"])
    assert table.schema.field("x").type == pa.list_(pa.float32())
    assert table.schema.field("s").type == pa.float32()
    assert table.schema.field("n").type == pa.struct([("t", pa.list_(pa.float32()))])
    assert table["x"].to_pylist() == [[1, 1, 1], [], [1, 1]]


def test_numbers_of_tensors_beside_those_of_python_have_64_bits(open_saver) -> None:
    made = open_saver()
    made.save("x.parquet", {"x": [torch.tensor(0.5), 0.1, None, torch.tensor(2)]}, [0, 1, 2, 3])
    found = column(made)
    assert (found.type, found.to_pylist()) == (pa.float64(), [0.5, 0.1, None, 2])


def test_a_table_without_a_row_is_left_out_if_nothing_says_what_it_is(open_saver) -> None:
    made = open_saver()
    made.save("x.parquet", {"x": []}, [])
    made.save("y.npy", {"y": torch.empty(0, 2)}, [])
    made.save("z.jsonl", {"x": []}, [])
    assert made.cut_files().files.result().keys() == {"z.jsonl"}
    made.save("x.parquet", {"x": [1]}, [0])
    assert column(made).to_pylist() == [1]
    made.save("x.parquet", {"x": []}, [])
    assert column(made).type == pa.int64()


def test_lines_of_json_are_what_they_are(open_saver) -> None:
    assert not has_schema("x.jsonl")
    made = open_saver()
    for number, one in enumerate([1, "a", None, [1.5]]):
        made.save("x.jsonl", {"x": [one]}, [number])
    made.cut_files()
    made.save("x.jsonl", {"other": [1]}, ["a"])


def test_there_are_so_many_tables_and_no_more() -> None:
    schemas, one = TableSchemas(), types_of("x.npy", None, {"x": ("int8", ())})
    for number in range(MAX_TABLES):
        schemas.expect(f"{number}.npy", one, {})
    schemas.expect("0.npy", one, {})
    with pytest.raises(SchemaDiffers, match="save all batches under one name"):
        schemas.expect("x.npy", one, {})


def test_a_commit_learns_the_runs_types_and_refuses_its_own_others() -> None:
    def types(dtype: str):
        return types_of("x.npy", TensorType("int64"), {"x": (dtype, ())})

    schemas = TableSchemas()
    schemas.expect("x.npy", types("int8"), {})
    with pytest.raises(SchemaDiffers, match="has int8 here, and int16 in this run"):
        schemas.keep("x.npy", types("int16"), "d", types("int8"))
    assert schemas.digest("x.npy") is None
    document = types("int8").document("x.npy")
    schemas.keep("x.npy", types_in(document), "d", types("int8"))
    assert schemas.digest("x.npy") == "d"


def test_batches_saved_after_the_cut_are_refused_by_their_own_commit() -> None:
    def types(*dtypes: str):
        return types_of("x.parquet", TensorType("int64"), {"x": pa.array([], dtypes[0])})

    schemas = TableSchemas()
    schemas.expect("x.parquet", types(pa.null()), {})
    cut = schemas.of("x.parquet")
    schemas.expect("x.parquet", types(pa.int8()), {})
    schemas.keep("x.parquet", types(pa.int16()), "d", cut)
    assert schemas.digest("x.parquet") is None
    with pytest.raises(SchemaDiffers):
        schemas.keep("x.parquet", types(pa.int16()), "d", schemas.of("x.parquet"))
