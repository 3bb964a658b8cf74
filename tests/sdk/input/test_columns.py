"""Rows of the readers become columns, and no value becomes another."""

import datetime
from typing import Any

import numpy as np
import pytest
import torch

from batchprocess.sdk.input.columns import columns

BIG = 2**63


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, -(2**63)], torch.int64),
        ([0.1, float("nan")], torch.float64),
        ([True, False], torch.bool),
        ([np.ones(2, np.float32), np.zeros(2, np.float32)], torch.float32),
        ([np.ones(2, np.uint16), np.zeros(2, np.uint16)], torch.uint16),
        ([torch.ones(2, 3), torch.zeros(2, 3)], torch.float32),
    ],
)
def test_numbers_and_arrays_of_one_shape_are_a_tensor(values: list[Any], dtype: Any) -> None:
    made = columns([{"x": value} for value in values])["x"]
    assert made.dtype == dtype
    assert np.array_equal(made.numpy(), np.stack(values), equal_nan=dtype == torch.float64)


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b"],
        [1, None],
        [1, 2.5],
        [True, 1],
        [1, BIG],
        [[1, 2], [3, 4]],
        [b"x", b"y"],
        [{"a": 1}, {"a": 2}],
        [np.ones(2), np.ones(3)],
        [np.ones(2), np.ones(2, np.float32)],
        [np.array(["a"]), np.array(["b"])],
        [np.ones(2, ">f4"), np.ones(2, ">f4")],
        [np.ones(2, np.longdouble), np.ones(2, np.longdouble)],
        [np.array(["2030-01-01"], "M8[D]"), np.array(["2030-01-01"], "M8[D]")],
        [torch.ones(2), torch.ones(3)],
        [datetime.date(2030, 1, 1)] * 2,
    ],
)
def test_everything_else_is_a_list_of_what_the_rows_hold(values: list[Any]) -> None:
    made = columns([{"x": value} for value in values])["x"]
    assert type(made) is list
    assert all(a is b for a, b in zip(made, values, strict=True))


def test_a_row_without_a_key_has_none_and_keys_come_as_first_seen() -> None:
    made = columns([{"b": 1}, {"a": 2, "b": 3}])
    assert list(made) == ["b", "a"]
    assert made["b"].tolist() == [1, 3]
    assert made["a"] == [None, 2]
    assert columns([]) == {}
