"""Objects come back in order, however many of them were in memory at a time."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchprocess.data.listing.spill import Spill
from batchprocess.storage.inputs.base import InputObject

OBJECTS = st.lists(
    st.tuples(st.integers(0, 2), st.text("aé/\n\U0001f600", max_size=3)), max_size=30
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(OBJECTS, max_size=5), st.integers(1, 20), st.booleans())
def test_all_are_there_by_key_then_root(
    tmp_path: Path, pages: list[list[tuple[int, str]]], most: int, absorbed: bool
) -> None:
    spill = Spill(tmp_path, most)
    for page in pages:
        into = Spill(tmp_path, most) if absorbed else spill
        for root, key in page:
            into.add(root, [InputObject(key, 1, "e")])
        if absorbed:
            spill.absorb(into)
    expected = sorted([key, root, 1, "e"] for page in pages for root, key in page)
    assert spill.empty == (not expected)
    assert list(spill) == expected
    spill.close()
    assert list(tmp_path.iterdir()) == []
