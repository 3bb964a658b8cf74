"""What a reducer keeps comes back from JSON equal and of its type."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.sdk.reduce.json_codec import from_json, readable, to_json

PLAIN = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)


VALUES = st.recursive(
    PLAIN | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_a_value_comes_back_equal_and_of_its_type(value):
    back = from_json(to_json(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "<U3"])
def test_arrays_and_tensors_come_back(dtype):
    array = np.array([[0, 1], [2, 3]]).astype(dtype)
    assert np.array_equal(from_json(to_json(array)), array)
    if dtype != "<U3":
        assert torch.equal(from_json(to_json(torch.from_numpy(array))), torch.from_numpy(array))


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.complex64])
def test_tensors_that_numpy_does_not_know_come_back(dtype, shape):
    tensor = torch.arange(6)[: int(np.prod(shape))].reshape(shape).to(dtype)
    back = from_json(json.loads(json.dumps(to_json(tensor.requires_grad_()))))
    assert (back.dtype, back.shape) == (dtype, shape)
    assert back.tolist() == tensor.tolist()


def test_other_types_are_refused_by_name_and_no_object_array_slips_in():
    with pytest.raises(TypeError, match="type set cannot be kept"):
        to_json({1, 2})
    with pytest.raises(TypeError, match="array of objects"):
        to_json(np.array([object()]))
    with pytest.raises(TypeError, match="named fields"):
        to_json(np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]))
    with pytest.raises(TypeError, match="sparse"):
        to_json(torch.eye(2).to_sparse())


def test_results_are_readable_json():
    made = {1: np.float32(0.5), "t": torch.tensor([1, 2]), "n": float("nan")}
    assert readable(made) == {"1": 0.5, "t": [1, 2], "n": "nan"}
