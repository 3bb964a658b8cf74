"""Whatever lists are saved one after the other: a file has exactly what the calls have taken."""

import datetime
import math
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchprocess.sdk.save.formats import parquet
from batchprocess.sdk.save.saver import Saver

ZONES = st.sampled_from([None, datetime.UTC, datetime.timezone(datetime.timedelta(hours=2))])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**65),
    st.integers(-2, 2),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.dates(),
    st.datetimes(timezones=ZONES),
    st.timedeltas(),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-100, max_value=100),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", ""]), inner)
    ),
    max_leaves=6,
)
ALIKE = st.one_of(
    *(
        st.lists(st.lists(kind | st.none(), min_size=1, max_size=3), min_size=1, max_size=4)
        for kind in (
            st.integers(-(2**63), 2**64) | st.floats(),
            st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=2),
            st.lists(st.integers() | st.none(), max_size=2),
            st.datetimes(timezones=ZONES),
        )
    )
)
BATCHES = st.lists(st.lists(VALUES, min_size=1, max_size=3), min_size=1, max_size=4) | ALIKE


def equal(given: Any, found: Any) -> bool:
    """Whether it is the same value; keys that another row's dict has are None."""
    if isinstance(given, dict) and isinstance(found, dict):
        missing = [found[key] for key in found.keys() - given.keys()]
        return all(equal(one, found.get(key)) for key, one in given.items()) and not any(
            one is not None for one in missing
        )
    if isinstance(given, list) and isinstance(found, list):
        return len(given) == len(found) and all(map(equal, given, found))
    if isinstance(given, float) and math.isnan(given):
        return isinstance(found, float) and math.isnan(found)
    numbers = type(given) in (int, float) and type(found) in (int, float)
    alike = numbers or type(given) is type(found)
    return alike and given == found and str(getattr(given, "tzinfo", "")) in {
        str(getattr(found, "tzinfo", "")), "UTC+02:00"
    }  # fmt: skip


@pytest.mark.parametrize("group", [0, 32 << 20], ids=["written", "waiting"])
@given(batches=BATCHES)
@settings(deadline=None, max_examples=150)
def test_a_file_has_exactly_what_was_taken(group: int, batches: list[list[Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(parquet, "_GROUP_BYTES", group)
        saver, kept = Saver(Path(folder)), []
        for batch in batches:
            try:
                saver.save("x.parquet", {"x": batch}, range(len(batch)))
            except (TypeError, ValueError) as error:
                if "none with a key" in str(error):
                    break
                assert "'x.parquet'" in str(error)  # noqa: PT017
                assert "column 'x" in str(error)  # noqa: PT017
                continue
            kept += batch
        written = saver.cut_files()
        saver.close()
        try:
            files = written.files.result() if written is not None else {}
        except ValueError as error:
            assert "none with a key" in str(error)  # noqa: PT017
            return
        for file in files.values():
            found = pq.read_table(file)["x"].to_pylist()
            assert all(map(equal, kept, found)), (kept, found)
            assert len(kept) == len(found)
