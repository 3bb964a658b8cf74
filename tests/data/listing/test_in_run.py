"""The run's input is what its first attempt found, on a disk and on a real S3 server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from batchprocess.data import csv, text
from batchprocess.data.index import build
from batchprocess.data.index.formats.count_csv import CsvFiles
from batchprocess.data.listing import in_run
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.row_dataset import RowDataset
from batchprocess.protocol.errors import (
    InputChanged,
    InvalidArgument,
    ShardSealed,
    UnsafeStorage,
    VerificationError,
)
from batchprocess.protocol.run import RUN_KEY
from batchprocess.storage.base import Storage
from data.conftest import Input
from support.ledger_steps import RUN, completed, me

pytestmark = pytest.mark.slow
Attempt = Callable[..., RowDataset]


@pytest.fixture
def run(place: Input) -> Storage:
    """The folder of a run, beside the input."""
    return place.storage.at("run")


@pytest.fixture
def attempt(run: Storage, place: Input) -> Attempt:
    def begin(source: str | None = None, shard: int = 0) -> RowDataset:
        reader = text(source or f"{place.uri}/in/")
        known = RunOfInput(uri=run.uri, shard=shard, deadline_seconds=5)
        reader.prepare_in_run(known)
        return reader

    return begin


def lines(reader: RowDataset) -> list[str]:
    return [row["text"] for row in reader.__getitems__(range(len(reader)))]


def kept(run: Storage) -> list[str]:
    """Keys of its listing and of the listing's parts."""
    keys = [one.key for one in run.list("inputs/")]
    return [key for key in keys if ".json" in key and key.count("/") == 2]


def begin_run(run: Storage) -> None:
    run.put(RUN_KEY, RUN.model_dump_json().encode())


def test_what_is_added_later_is_not_the_runs(place: Input, attempt: Attempt, run: Storage) -> None:
    place.write("in/a.txt", b"one\ntwo\n")
    first = attempt()
    place.write("in/0.txt", b"zero\n")
    assert lines(first) == lines(attempt()) == ["one", "two"]
    begin_run(run)
    assert lines(attempt()) == ["one", "two"]
    assert attempt().fingerprint() == first.fingerprint()
    assert lines(text(f"{place.uri}/in/")) == ["zero", "one", "two"]  # outside of the run
    assert len(kept(run)) == 2


def test_of_two_that_list_at_a_time_one_is_right_for_both(
    place: Input, attempt: Attempt, run: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file comes after the slower one has seen that there is no listing, and before it lists."""
    place.write("in/b.txt", b"b\n")
    raced = False
    listed = build.list_objects

    def slower(*given: object) -> object:
        nonlocal raced
        if not raced:
            raced = True
            assert lines(attempt()) == ["b"]
            place.write("in/a.txt", b"a\n")
        return listed(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(build, "list_objects", slower)
    assert lines(attempt()) == ["b"]
    assert len([key for key in kept(run) if key.endswith(".jsonl")]) == 2  # one is nobody's
    assert lines(attempt()) == ["b"]


def test_a_changed_or_missing_object_is_named(place: Input, attempt: Attempt) -> None:
    place.write("in/a.txt", b"one\n")
    place.write("in/b.txt", b"two\n")
    attempt()
    place.write("in/a.txt", b"one, and more\n")
    with pytest.raises(InputChanged, match=r"a\.txt .*put it back, or start another run"):
        lines(attempt())
    place.write("in/a.txt", b"one\n")
    place.remove("in/b.txt")
    with pytest.raises(InputChanged, match=r"b\.txt is gone"):
        lines(attempt())


def test_a_source_that_is_written_otherwise_has_no_part_in_it(
    place: Input, attempt: Attempt, run: Storage
) -> None:
    place.write("in/a.txt", b"one\n")
    attempt()
    begin_run(run)
    place.write("in/b.txt", b"two\n")
    known = kept(run)
    assert lines(attempt(f"{place.uri}/in/*.txt")) == ["one", "two"]
    assert kept(run) == known


def test_a_sealed_shard_reads_nothing_of_it(place: Input, attempt: Attempt, run: Storage) -> None:
    begin_run(run)
    completed(run, me())
    with pytest.raises(ShardSealed):
        attempt("nowhere/")
    with pytest.raises(InvalidArgument, match="nowhere"):
        attempt("nowhere/", shard=1)


@pytest.mark.parametrize(
    ("harm", "said"), [("torn", "was changed: its bytes are not"), (None, "is missing")]
)
def test_a_listing_that_was_harmed_is_told(
    place: Input, attempt: Attempt, run: Storage, harm: str | None, said: str
) -> None:
    place.write("in/a.txt", b"one\n")
    attempt()
    (part,) = [key for key in kept(run) if key.endswith(".jsonl")]
    if harm is None:
        run.delete(part)
    else:
        run.put(part, harm.encode())
    with pytest.raises(VerificationError, match=said):
        attempt()


def test_nothing_is_written_where_the_store_was_not_found_safe(
    place: Input, attempt: Attempt, run: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise UnsafeStorage("two creates have won")

    monkeypatch.setattr(in_run, "probe", refused)
    place.write("in/a.txt", b"one\n")
    with pytest.raises(UnsafeStorage):
        attempt()
    assert kept(run) == []


def test_it_is_found_from_another_folder_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mount may stand elsewhere, if the job names it as before."""
    for name in ("here", "there"):
        (tmp_path / name / "in").mkdir(parents=True)
        (tmp_path / name / "in" / "a.txt").write_text("one\n")
    known = RunOfInput(uri=str(tmp_path / "run"), shard=0, deadline_seconds=5)
    for name in ("here", "there"):
        monkeypatch.chdir(tmp_path / name)
        reader = text("in")
        reader.prepare_in_run(known)
        assert lines(reader) == ["one"]
    assert len([*(tmp_path / "run" / "inputs").glob("*/*.json*")]) == 2


@pytest.mark.parametrize("columns", [None, ["x"]])
def test_what_is_not_counted_by_blocks_is_read_once_too(
    place: Input, run: Storage, monkeypatch: pytest.MonkeyPatch, columns: list[str] | None
) -> None:
    place.write("in/a.csv", b"x,y\n1,2\n3,4\n")

    def attempt() -> RowDataset:
        reader = csv(f"{place.uri}/in/", columns=columns)
        reader.prepare_in_run(RunOfInput(uri=run.uri, shard=0, deadline_seconds=5))
        return reader

    first = attempt()
    monkeypatch.setattr(CsvFiles, "count", None)  # it is not called again
    again = attempt()
    rows = [{"x": "1", "y": "2"}, {"x": "3", "y": "4"}]
    expected = rows if columns is None else [{"x": row["x"]} for row in rows]
    for reader in (first, again):
        assert list(reader.__getitems__([0, 1])) == expected
        assert reader.fingerprint() == first.fingerprint()
