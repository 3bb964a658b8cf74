"""What is new since a run is a listing without what it, and those it came from, have listed."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.data import text
from batchprocess.data.listing import new_since
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.listing.new_since import Before, only_new
from batchprocess.data.row_dataset import RowDataset
from batchprocess.protocol.errors import InvalidArgument, RunMismatch
from batchprocess.protocol.inputs.listing import InputListing, listing_key, source_id
from batchprocess.protocol.run import RUN_KEY
from batchprocess.runs.patience import ATTENDED
from batchprocess.storage.base import Storage
from batchprocess.storage.inputs.base import InputObject
from data.conftest import Input
from support.storage.made_run import RUN, begin, complete, work

Listed = list[tuple[int, InputObject]]


def attempt(run: Storage, place: Input, since: Storage | None = None) -> list[str]:
    """The rows of an attempt of that run."""
    return rows(reader(run, place, since))


def reader(run: Storage, place: Input, since: Storage | None = None) -> RowDataset:
    found = text(f"{place.uri}/in/")
    if since is not None:
        found.leave_out_listed(since.uri)
    found.prepare_in_run(RunOfInput(uri=run.uri, shard=0, deadline_seconds=5))
    return found


def rows(found: RowDataset) -> list[str]:
    return [row["text"] for row in found.__getitems__(range(len(found)))]


@pytest.fixture
def first(place: Input) -> Storage:
    """A complete run over one file; another has come since."""
    place.write("in/b.txt", b"1\n")
    run = place.storage.at("first")
    assert attempt(run, place) == ["1"]
    complete(run)
    place.write("in/a.txt", b"2\n")
    return run


@pytest.mark.slow
def test_each_run_has_what_those_before_it_have_not(place: Input, first: Storage) -> None:
    second, third = place.storage.at("second"), place.storage.at("third")
    found = reader(second, place, first)
    assert rows(found) == ["2"]
    assert found.row_ids([0]) == [f"{found.index.object(0)[1].key}:0"]
    complete(second)
    place.write("in/c.txt", b"3\n")
    assert attempt(third, place, second) == ["3"]
    assert attempt(place.storage.at("all"), place) == ["2", "1", "3"]


@pytest.mark.slow
def test_what_comes_behind_the_first_attempt_is_not_this_runs(place: Input, first: Storage) -> None:
    second = place.storage.at("second")
    assert attempt(second, place, first) == ["2"]
    place.write("in/0.txt", b"3\n")
    # The first attempt has died before run.json stood; what run `first` was counts no more.
    first.delete(RUN_KEY)
    assert attempt(second, place, first) == ["2"]
    begin(second)
    assert attempt(second, place, first) == ["2"]


@pytest.mark.slow
def test_a_run_goes_on_with_what_it_was_begun_with(place: Input, first: Storage) -> None:
    second = place.storage.at("second")
    attempt(second, place, first)
    with pytest.raises(RunMismatch, match="new since first, and the job .* asks for all files"):
        attempt(second, place)
    whole = place.storage.at("whole")
    attempt(whole, place)
    with pytest.raises(RunMismatch, match="reads all files, and .* what is new since first"):
        attempt(whole, place, first)


@pytest.mark.slow
def test_the_run_is_known_when_both_are_moved(place: Input, first: Storage) -> None:
    second, source = place.storage.at("second"), source_id([f"{place.uri}/in/"])
    attempt(second, place, first)
    body = second.get(listing_key(source))
    assert body is not None
    assert InputListing.model_validate_json(body).since == "first"


@pytest.mark.slow
def test_a_run_that_has_not_done_all_rows_of_its_files_is_refused(
    place: Input, first: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(since: Storage) -> str:
        with pytest.raises(InvalidArgument) as error:
            attempt(place.storage.at("second"), place, since)
        assert list(place.storage.at("second").list("inputs/")) == []
        return str(error.value)

    nowhere, going, some, failed, other = (
        place.storage.at(name) for name in ("nowhere", "going", "some", "failed", "other")
    )
    assert "does not exist" in refused(nowhere)
    begin(going)
    work(going, 0)
    assert "is not complete" in refused(going)
    bounded = RUN.model_copy(update={"max_batches": 1})
    complete(some)
    some.put(RUN_KEY, bounded.model_dump_json().encode())
    assert "had maxBatches 1" in refused(some)
    complete(other)
    assert "has not listed this source" in refused(other)
    complete(failed)
    summary = failed.get("summary.json")
    assert summary is not None
    failed.put("summary.json", summary.replace(b'"failedShards": []', b'"failedShards": [1]'))
    assert "without all rows of shard 1" in refused(failed)
    monkeypatch.setattr(new_since, "MAX_RUNS", 0)
    assert "came from more than 0 runs" in refused(first)


@pytest.mark.slow
def test_a_changed_object_is_neither_new_nor_done(place: Input, first: Storage) -> None:
    place.write("in/b.txt", b"another\n")
    with pytest.raises(InvalidArgument, match=r"in/b.txt was changed since run .*first has listed"):
        attempt(place.storage.at("second"), place, first)


@pytest.mark.slow
def test_where_nothing_is_new_that_is_said(place: Input, first: Storage) -> None:
    place.remove("in/a.txt")
    with pytest.raises(InvalidArgument, match=r"nothing is new since run .*first"):
        attempt(place.storage.at("second"), place, first)


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 1)))))
def test_of_any_listings_what_is_left_is_in_no_other(drawn: list[list[tuple[str, int]]]) -> None:
    known = [sorted({*some}) for some in drawn]
    every = {one for some in known for one in some}
    now = list(itertools.product("abcdef", (0, 1)))
    left = [one for one in now if one not in every]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(new_since, "listed_objects", lambda _run, _source, some, _patience: some)
        found = only_new(_objects(now), ("r", "s"), [_before(some) for some in known], "", ATTENDED)
        assert [(one.key, root) for root, one in found] == left


def _objects(some: list[tuple[str, int]]) -> Listed:
    return [(root, InputObject(key, 1)) for key, root in some]


class FakeListing(list[Any]):
    """Objects, as `listed_objects` gives them."""

    roots = ("r", "s")


class FakeRun:
    """Has an address."""

    uri = "run"


def _before(some: list[tuple[str, int]]) -> Before:
    return Before(FakeRun(), FakeListing(_objects(some)))  # type: ignore[arg-type]
