"""A run over rows of another one reads the files that this one has listed, whatever has come."""

import pytest

from batchprocess.data import concat, text
from batchprocess.data.concatenated import Concatenated
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.row_dataset import RowDataset
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.inputs.listing import (
    InputListing,
    listed_part_key,
    listing_key,
    source_id,
)
from batchprocess.storage.base import Storage
from data.conftest import Input
from support.storage.made_run import complete

pytestmark = pytest.mark.slow


def of(run: Storage) -> RunOfInput:
    return RunOfInput(uri=run.uri, shard=0, deadline_seconds=5)


def rows(found: RowDataset | Concatenated) -> list[str]:
    return [row["text"] for row in found.__getitems__(range(len(found)))]


def test_what_has_come_since_moves_no_row_and_what_the_other_left_out_stays_out(
    place: Input,
) -> None:
    zeroth, first, second, third = (
        place.storage.at(name) for name in ("zeroth", "first", "second", "third")
    )
    place.write("in/c.txt", b"0\n")
    begun = text(f"{place.uri}/in/")
    begun.prepare_in_run(of(zeroth))
    complete(zeroth)
    place.write("in/b.txt", b"1\n2\n")
    begun = text(f"{place.uri}/in/")
    begun.leave_out_listed(zeroth.uri)
    begun.prepare_in_run(of(first))
    place.write("in/a.txt", b"3\n")
    # In a run of its own and, as `plan` does, without one.
    for run in (second, None):
        found = text(f"{place.uri}/in/")
        found.take_listing_of(first.uri)
        if run is not None:
            found.prepare_in_run(of(run))
        assert rows(found) == ["1", "2"]
        assert found.fingerprint() == begun.fingerprint()
    source = source_id([f"{place.uri}/in/"])
    body = second.get(listing_key(source))
    assert body is not None
    assert InputListing.model_validate_json(body).since == "zeroth"
    # Its own from now on; and what is new since it is what was new since the first.
    first.delete(listing_key(source))
    again = text(f"{place.uri}/in/")
    again.take_listing_of(first.uri)
    again.prepare_in_run(of(second))
    assert rows(again) == ["1", "2"]
    complete(second)
    newer = text(f"{place.uri}/in/")
    newer.leave_out_listed(second.uri)
    newer.prepare_in_run(of(third))
    assert rows(newer) == ["3"]


def test_a_source_that_the_other_run_has_not_listed_is_listed(place: Input) -> None:
    place.write("in/a.txt", b"1\n")
    place.write("more/a.txt", b"2\n")
    first = place.storage.at("first")
    text(f"{place.uri}/in/").prepare_in_run(of(first))
    both = concat(text(f"{place.uri}/in/"), text(f"{place.uri}/more/"))
    place.write("in/0.txt", b"0\n")
    both.take_listing_of(first.uri)
    both.prepare_in_run(of(place.storage.at("second")))
    assert rows(both) == ["1", "2"]


def test_a_listing_that_is_damaged_is_refused(place: Input) -> None:
    place.write("in/a.txt", b"1\n")
    first = place.storage.at("first")
    begun = text(f"{place.uri}/in/")
    begun.prepare_in_run(of(first))
    source, listed = begun.listed
    first.put(listed_part_key(source, listed.about.parts[0].sha256), b"[]\n")
    found = text(f"{place.uri}/in/")
    found.take_listing_of(first.uri)
    with pytest.raises(VerificationError, match="was changed: its bytes are not those of its name"):
        found.prepare_in_run(of(place.storage.at("second")))
