"""Columns of Arrow keep their type as tensors, or are lists of exactly what they hold."""

import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import torch

from batchprocess.data.rows.arrow_rows import ArrowRows
from batchprocess.sdk.input.arrow_columns import arrow_column
from batchprocess.sdk.input.columns import columns

FIXED = pa.list_(pa.float32(), 2)


@pytest.mark.parametrize(
    ("values", "kind", "dtype", "shape"),
    [
        ([1, 2, 3], pa.int8(), torch.int8, (3,)),
        ([1, 2**64 - 1, 3], pa.uint64(), torch.uint64, (3,)),
        ([0.5, float("nan"), 1], pa.float32(), torch.float32, (3,)),
        ([True, False, True], pa.bool_(), torch.bool, (3,)),
        ([[1, 2]] * 3, FIXED, torch.float32, (3, 2)),
        ([[[1, 2], [3, 4]]] * 3, pa.list_(FIXED), torch.float32, (3, 2, 2)),
        ([[1]] * 3, pa.list_(pa.int64()), torch.int64, (3, 1)),
    ],
)
def test_numbers_are_tensors_of_their_type(values: Any, kind: Any, dtype: Any, shape: Any) -> None:
    cut = pa.chunked_array([pa.array(values[:1], kind), pa.array([*values, values[0]], kind)[1:3]])
    made = arrow_column(cut)
    assert (made.dtype, made.shape) == (dtype, shape)
    assert torch.equal(made.nan_to_num(7), torch.tensor(values, dtype=dtype).nan_to_num(7)) or (
        dtype is torch.uint64 and made.tolist() == values
    )
    made[0] = made[1]  # its own memory


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None], pa.int64()),
        (["a", None], pa.string()),
        ([[1, 2], [3]], pa.list_(pa.int64())),
        ([[1, 2], None], pa.list_(pa.int64())),
        ([[1, None]], pa.list_(pa.int64())),
        ([[], []], pa.list_(pa.int64())),
        ([{"a": 1}], pa.struct([("a", pa.int64())])),
        ([b"x"], pa.binary()),
        ([Decimal("1.10")], pa.decimal128(5, 2)),
        ([datetime.date(2030, 1, 1)], pa.date32()),
        ([None], pa.null()),
    ],
)
def test_everything_else_is_a_list(values: list[Any], kind: Any) -> None:
    assert arrow_column(pa.chunked_array([pa.array(values, kind)])) == values


def test_a_batch_of_a_file_has_its_columns() -> None:
    made = columns(ArrowRows(pa.table({"b": [1, 2], "a": ["x", None]})))
    assert list(made) == ["b", "a"]
    assert made["b"].tolist() == [1, 2]
    assert made["a"] == ["x", None]
