"""Two listings in order are compared object by object."""

from hypothesis import given
from hypothesis import strategies as st

from batchprocess.data.listing.changes import changes
from batchprocess.protocol.dry_run import InputChanges
from batchprocess.storage.inputs.base import InputObject

FILES = st.dictionaries(st.sampled_from(["a", "b", "c", "d/e", "ü"]), st.integers(0, 2))


def listed(files: dict[str, int]) -> list[tuple[str, InputObject]]:
    return [("s3://b", InputObject(key, files[key], '"e"')) for key in sorted(files)]


@given(FILES, FILES)
def test_each_object_is_as_it_was_or_counted_once(
    then: dict[str, int], now: dict[str, int]
) -> None:
    found = changes(listed(then), listed(now))
    assert (found.added, found.missing) == (len(now.keys() - then), len(then.keys() - now))
    assert found.changed == sum(then[key] != now[key] for key in then.keys() & now)
    other = {key for key in then.keys() | now if then.get(key) != now.get(key)}
    assert found.first == (f"s3://b/{min(other)}" if other else None)


def test_one_key_in_two_places_is_two_objects() -> None:
    one, two = (("r", InputObject("a", 1)), ("s", InputObject("a", 1)))
    assert changes([one], [one, two]) == InputChanges(added=1, first="s/a")
    assert changes([one, two], [two]) == InputChanges(missing=1, first="r/a")
