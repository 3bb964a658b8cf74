"""Values of one call: one type for all of them, or a sentence with place, value and both types."""

import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from batchprocess.sdk.save.formats.arrow_values import array_of
from batchprocess.sdk.save.plain_values import plain

AWARE = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
NAIVE = AWARE.replace(tzinfo=None)
BERLIN = AWARE.astimezone(ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, 2**63 - 1], pa.int64()),
        ([0, 2**64 - 1], pa.uint64()),
        ([1, 0.5, None], pa.float64()),
        ([Decimal("1.5"), Decimal("100.25")], pa.decimal128(5, 2)),
        ([NAIVE, None], pa.timestamp("us")),
        ([BERLIN], pa.timestamp("us", "Europe/Berlin")),
        ([[1], None, [], [2, 3]], pa.list_(pa.int64())),
        ([{"a": 1, "b": None}, None, {"a": None, "b": "x"}], None),
        ([{}, None], pa.struct([])),
        ([[[{"a": [b"x"]}]]], None),
        ([datetime.time(1), datetime.time.max], pa.time64("us")),
        ([datetime.timedelta(-1)], pa.duration("us")),
    ],
    ids=str,
)
def test_values_are_kept_exactly(values, kind) -> None:
    made = array_of(("x",), plain(values))
    assert made.to_pylist() == values
    assert kind is None or made.type == kind


@pytest.mark.parametrize(
    "time",
    [
        datetime.datetime(1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        datetime.datetime.max.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=-2))),
    ],
)
def test_a_time_that_no_reader_would_get_back_is_refused(time: datetime.datetime) -> None:
    with pytest.raises(ValueError, match=r"column 'x' has .*in UTC.*not in the years 1 to 9999"):
        array_of(("x",), [time, None, time.replace(year=2000)])


@pytest.mark.parametrize(
    "arrays",
    [
        [np.arange(3, dtype=np.uint8), np.arange(2, dtype=np.uint8)],
        [np.arange(3.0), np.array([np.inf], np.float16), None],
        [np.arange(6).reshape(2, 3), np.zeros((0, 5), int), np.zeros((1, 0), int)],
        [np.array([True]), np.array([], bool)],
        [np.array([2**64 - 1], np.uint64)],
        [np.arange(2), [5, 6]],
        [np.array([1]), np.array([0.5])],
        [np.array([1, 2], "M8[us]"), None],
    ],
    ids=str,
)
def test_arrays_are_lists(arrays) -> None:
    wanted = [None if one is None else np.asarray(one).tolist() for one in arrays]
    assert array_of(("x",), plain(arrays)).to_pylist() == wanted


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_numpy_keep_their_unit(unit) -> None:
    times = np.array([-1, 1], f"M8[{unit}]")
    made = array_of(("x",), plain(list(times)))
    assert made.type == pa.timestamp(unit)
    assert made.cast(pa.int64()).to_pylist() == [-1, 1]


def test_days_of_numpy_are_dates() -> None:
    days = np.array(["2020-01-01", "NaT", "1600-02-29"], "M8[D]")
    made = array_of(("x",), plain(days))
    assert made.type == pa.date32()
    assert made.to_pylist() == [datetime.date(2020, 1, 1), None, datetime.date(1600, 2, 29)]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([np.datetime64("20000-01-01")], ["M8[s]"]),
        ([True, 1], ["1 (int)", "True (bool)"]),
        ([0.5, True], ["True (bool)", "0.5 (float)"]),
        (["a", b"b"], ["b'b' (bytes)", "'a' (str)"]),
        ([NAIVE, AWARE], ["tzinfo=datetime.timezone.utc", "(datetime)"]),
        ([AWARE, BERLIN], ["Europe/Berlin", "timezone.utc"]),
        ([NAIVE.date(), NAIVE], ["2020, 1, 1, 0, 0", "(date)"]),
        ([[1], {"a": 1}], ["{'a': 1} (dict)", "[1] (list)"]),
        ([1, "a"], ["'a' (str)", "1 (int)"]),
        ([2**53 + 1, 0.5], ["9007199254740993"]),
        ([2**64], ["18446744073709551616", "str()"]),
        ([-1, 2**63], ["9223372036854775808"]),
        ([10**400], ["64 bits"]),
        ([1.5, 10**400], ["int"]),
        ([{1: 2}], ["key 1", "str(key)"]),
        ([{1, 2}], ["{1, 2} (set)"]),
        ([Path("a")], ["PosixPath"]),
        ([1j], ["1j (complex)"]),
        ([np.longdouble(1)], ["longdouble"]),
        ([datetime.time(1, tzinfo=datetime.UTC)], ["times without a zone"]),
        ([Decimal("NaN")], ["Decimal"]),
        ([Decimal(10) ** 80], ["precision"]),
        ([np.datetime64(1, "M")], ["M8[s]"]),
        ([np.timedelta64(1, "D")], ["m8[s]"]),
        (["\ud800"], ["surrogates"]),
    ],
    ids=str,
)
def test_what_has_no_type_in_common_is_refused_with_place_and_value(values, words) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        array_of(("x", "a"), plain(values))
    assert [word for word in ["column 'x.a'", *words] if word not in str(error.value)] == []
