"""Where a run keeps its input's listing, and what a listing may be."""

import pytest
from pydantic import ValidationError

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.inputs.listing import (
    MAX_PART_BYTES,
    MAX_PARTS,
    InputListing,
    ListedPart,
    listed_part_key,
    listing_key,
    run_address,
    run_name,
    source_id,
)

DIGEST = "0" * 64
PART = {"objects": 1, "size": 5, "sha256": DIGEST}
LISTING = {"roots": ["r"], "objects": 1, "bytes": 5, "fingerprint": DIGEST, "parts": [PART]}


def test_a_source_is_known_by_how_it_is_written() -> None:
    names = [source_id(asked) for asked in (["a"], ["a/"], ["a", "b"], ["b", "a"], ["ab"])]
    assert len({*names}) == len(names)
    assert source_id(("a", "b")) == source_id(["a", "b"])
    assert listing_key(names[0]) == f"inputs/{names[0]}/listing.json"
    assert listed_part_key(names[0], DIGEST) == f"inputs/{names[0]}/objects-{DIGEST}.jsonl"


def test_a_run_beside_another_is_known_by_its_id() -> None:
    run = "s3://b/jobs/x/new"
    assert run_address("old", run) == "s3://b/jobs/x/old"
    assert run_name("s3://b/jobs/x/old/", run) == "old"
    for away in ("s3://b/jobs/y/old", "/jobs/y/old"):
        assert run_address(away, run) == away
        assert run_name(away, run) == away
    with pytest.raises(InvalidArgument, match="absolute path"):
        run_address("jobs/y/old", run)


@pytest.mark.parametrize(
    "wrong",
    [
        {"v": 2},
        {"fingerprint": "x"},
        {"objects": 0},
        {"parts": [PART | {"size": MAX_PART_BYTES + 1}]},
        {"parts": [PART] * (MAX_PARTS + 1)},
    ],
)
def test_what_cannot_be_a_listing_is_refused(wrong: dict[str, object]) -> None:
    assert InputListing.model_validate(LISTING).parts == (ListedPart.model_validate(PART),)
    with pytest.raises(ValidationError):
        InputListing.model_validate(LISTING | wrong)
