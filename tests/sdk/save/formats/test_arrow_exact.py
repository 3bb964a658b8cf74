# ruff: noqa: DTZ001  times without a zone are a type of their own
"""Arrays as the type that was asked for, each value exactly, or refused."""

import datetime
import math

import pyarrow as pa
import pytest

from batchprocess.sdk.save.formats.arrow_exact import exactly

STRUCT = pa.struct([("a", pa.float32()), ("b", pa.string())])
UTC = datetime.UTC


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0.5, None, -1.25], pa.float32()),
        ([1, None, 2**24], pa.float32()),
        ([1, 2**53], pa.float64()),
        ([1.0, 2.0], pa.int8()),
        ([255, 0], pa.uint8()),
        ([None, None], pa.string()),
        (["a", None], pa.large_string()),
        ([b"a"], pa.large_binary()),
        ([[1.5], None, []], pa.list_(pa.float32())),
        ([[1.5, 2.5], None], pa.list_(pa.float32(), 2)),
        ([[[1], []]], pa.list_(pa.large_list(pa.int16()))),
        ([{"a": 1}, {}, None], STRUCT),
        ([datetime.datetime(2026, 1, 1, 0, 0, 1)], pa.timestamp("ns")),
        ([datetime.datetime(2026, 1, 1, 0, 0, 1)], pa.timestamp("ms")),
    ],
    ids=str,
)
def test_what_the_type_holds_becomes_it(values, kind) -> None:
    made = exactly(("x",), pa.array(values), kind)
    made.validate(full=True)
    assert made.type == kind
    expected = pa.array(values, kind).to_pylist()
    assert made.to_pylist() == expected


def test_nan_and_infinity_stay() -> None:
    made = exactly(("x",), pa.array([math.nan, math.inf, -0.0, None]), pa.float32())
    assert str(made.to_pylist()) == "[nan, inf, -0.0, None]"


@pytest.mark.parametrize(
    ("values", "kind", "value"),
    [
        ([0.5, 0.1], pa.float32(), "0.1"),
        ([1.0, 1e300], pa.float32(), "1e+300"),
        ([2**24 + 1], pa.float32(), "16777217"),
        ([2**53 + 1], pa.float64(), "9007199254740993"),
        ([1, 2, 300, 4], pa.int8(), "300"),
        ([1, -1], pa.uint64(), "-1"),
        ([1.0, 1.5], pa.int64(), "1.5"),
        ([math.nan], pa.int64(), "nan"),
        ([1], pa.string(), "1"),
        (["1"], pa.int64(), "1"),
        ([True], pa.int8(), "True"),
        ([1], pa.bool_(), "1"),
        ([b"a"], pa.string(), "b'a'"),
        ([[1.5]], pa.float32(), "[1.5]"),
        ([datetime.datetime(2026, 1, 1, 0, 0, 1, 7)], pa.timestamp("ms"), "2026-01-01"),
        ([datetime.datetime(2026, 1, 1)], pa.timestamp("us", "UTC"), "2026-01-01"),
        ([datetime.datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us"), "2026-01-01"),
    ],
    ids=str,
)
def test_what_it_does_not_hold_is_refused_with_place_value_and_both_types(
    values, kind, value
) -> None:
    array = pa.array(values)
    with pytest.raises(TypeError) as caught:
        exactly(("x",), array, kind)
    for part in ("column 'x' has", str(array.type), value, str(kind), "or give the schema"):
        assert part in str(caught.value)


def test_deep_places_are_named() -> None:
    with pytest.raises(TypeError, match=r"column 'x\[\]\.a' has double, a value is 0.1"):
        exactly(("x",), pa.array([[{"a": 0.5}], [{"a": 0.1}]]), pa.list_(STRUCT))
    with pytest.raises(TypeError, match=r"column 'x\.c' is not in the schema"):
        exactly(("x",), pa.array([{"c": 1}]), STRUCT)
    with pytest.raises(TypeError, match="not all its lists have that length"):
        exactly(("x",), pa.array([[1.0], [1.0, 2.0]]), pa.list_(pa.float32(), 2))
