"""What has come since a run has listed its input is known, and what it would read all the same."""

import pytest

from batchprocess.data import concat, jsonl
from batchprocess.data.changed_input import changed_input
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.protocol.dry_run import InputChanges
from data.conftest import Input

pytestmark = pytest.mark.slow


def test_what_has_changed_is_counted_and_the_runs_fingerprint_stays(place: Input) -> None:
    run, uri = place.storage.at("run"), f"{place.uri}/in/"
    place.write("in/a.jsonl", b"{}\n")
    place.write("in/b.jsonl", b"{}\n")
    assert changed_input(jsonl(uri), run) is None
    assert changed_input([], run) is None
    first = jsonl(uri)
    first.prepare_in_run(RunOfInput(uri=run.uri, shard=0, deadline_seconds=5))
    assert changed_input(jsonl(uri), run) == (InputChanges(), first.fingerprint())
    place.write("in/0.jsonl", b"{}\n{}\n")
    place.write("in/a.jsonl", b"{}\n{}\n")
    place.remove("in/b.jsonl")
    later = jsonl(uri)
    found = InputChanges(added=1, changed=1, missing=1, first=f"{uri}0.jsonl")
    assert changed_input(later, run) == (found, first.fingerprint())
    assert later.fingerprint() != first.fingerprint()
    other = changed_input(jsonl(uri, columns=["x"]), run)
    assert other is not None
    assert other.fingerprint != first.fingerprint()


def test_of_several_readers_all_changes_count(place: Input) -> None:
    run = place.storage.at("run")
    uris = [f"{place.uri}/{name}/" for name in ("one", "two")]
    place.write("one/a.jsonl", b"{}\n")
    place.write("two/a.jsonl", b"{}\n")
    first = concat(*map(jsonl, uris))
    assert changed_input(first, run) is None
    first.prepare_in_run(RunOfInput(uri=run.uri, shard=0, deadline_seconds=5))
    place.write("one/b.jsonl", b"{}\n")
    place.write("two/0.jsonl", b"{}\n")
    later = concat(*map(jsonl, uris))
    found = InputChanges(added=2, first=f"{uris[0]}b.jsonl")
    assert changed_input(later, run) == (found, first.fingerprint())
    assert later.fingerprint() != first.fingerprint()
