"""Whatever library made them, values in lists become plain ones, exactly, or stay what they are."""

import enum
from collections import OrderedDict, UserDict, deque, namedtuple

import numpy as np
import pytest
import torch

from batchprocess.sdk.save.plain_values import MAX_DEPTH, plain


class Colour(enum.StrEnum):
    RED = "red"


class Code(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (Colour.RED, "red"),
        (Code.ONE, 1),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (torch.tensor(3), 3),
        (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        (bytearray(b"a"), b"a"),
        (OrderedDict(a=1), {"a": 1}),
        (UserDict(a=np.int8(1)), {"a": 1}),
        (namedtuple("Box", "x y")(1, 2), [1, 2]),
        (deque([1]), [1]),
        (range(2), [0, 1]),
        (np.array([None, np.array("x")], object), [None, "x"]),
        (np.array(["a"]), ["a"]),
        (np.ma.masked, None),
        (np.ma.array([1, 2], mask=[False, True]), [1, None]),
        (np.ma.array([[1], [2]], mask=[[False], [True]]), [[1], [None]]),
        (np.datetime64("NaT", "ns"), None),
    ],
    ids=repr,
)
def test_a_value_is_plain(value, found) -> None:
    (made,) = plain([value])
    assert (made, type(made)) == (found, type(found))
    assert repr(made) == repr(found)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.arange(3)[::-1],
        np.array([2**64 - 1], np.uint64),
        np.array([0.1], np.float16),
        torch.tensor([0.1], dtype=torch.bfloat16),
        torch.tensor([1 + 2j]).conj().imag,
        torch.ones(2, requires_grad=True),
        torch.ones(3, 2).T,
    ],
    ids=repr,
)
def test_an_array_of_numbers_is_a_copy_that_holds_all_of_them(array) -> None:
    (made,) = plain([array])
    assert made.tolist() == array.tolist()
    assert made.dtype.itemsize == 8


def test_nanoseconds_are_kept() -> None:
    times = np.array([1, 2], "M8[ns]")
    assert plain([times, times[0]]) == [[times[0], times[1]], times[0]]


def test_later_changes_are_not_in_it() -> None:
    array, tensor = np.zeros(2), torch.zeros(2, dtype=torch.float64)
    made = plain([array, {"a": tensor}])
    array.fill(9)
    tensor.fill_(9)
    assert [made[0].tolist(), made[1]["a"].tolist()] == [[0.0, 0.0], [0.0, 0.0]]


def test_what_is_no_value_stays() -> None:
    thing = object()
    assert plain([thing]) == [thing]


def test_named_fields_are_refused() -> None:
    with pytest.raises(TypeError, match="named fields .*'a'"):
        plain([np.zeros(1, [("a", int)])])


def test_what_is_nested_too_deep_is_refused() -> None:
    value = None
    for _ in range(MAX_DEPTH):
        value = [value]
    plain([value])
    with pytest.raises(ValueError, match="more than 200 deep"):
        plain([[value]])
