"""What is wrong with a listing that a run keeps is told by key."""

import hashlib
from pathlib import Path

import pytest

from batchprocess.ledger.inputs.blocks import encode_counts
from batchprocess.ledger.inputs.listing import keep_listing
from batchprocess.protocol.inputs.blocks import (
    BlockCount,
    begun_key,
    block_key,
    count_key,
    counts_key,
    with_digest,
)
from batchprocess.protocol.inputs.listing import (
    InputListing,
    ListedPart,
    listed_part_key,
    listing_key,
)
from batchprocess.protocol.run import encode_document
from batchprocess.runs.kept_inputs import problems_of_inputs
from batchprocess.runs.perform import perform
from batchprocess.storage.local import LocalStorage

SOURCE, BODY = "5" * 32, b"[0, 1]"
PART = ListedPart(objects=1, size=len(BODY), sha256=hashlib.sha256(BODY).hexdigest())
BLOCK_KEY = block_key(SOURCE, "text-2", 3)
COUNT_KEY, COUNTS_KEY = count_key(SOURCE, "text-2", 3), counts_key(SOURCE, "text-2")
PART_KEY = listed_part_key(SOURCE, PART.sha256)


@pytest.fixture
def run(tmp_path: Path) -> LocalStorage:
    storage = LocalStorage(tmp_path)
    listing = InputListing(roots=("r",), objects=1, bytes=0, fingerprint="f" * 64, parts=(PART,))
    perform(keep_listing(SOURCE, listing, lambda _: BODY), storage)
    return storage


def test_what_is_whole_has_none_nor_has_what_nobody_names(run: LocalStorage) -> None:
    run.put(listed_part_key(SOURCE, "0" * 64), b"of one who lost")
    run.put(listed_part_key("6" * 32, "0" * 64), b"of one who died")
    run.put(BLOCK_KEY, with_digest(b"counted"))
    run.put(begun_key(SOURCE, "text-2", 3, 0), b"somebody")
    run.put(COUNT_KEY, encode_document(BlockCount(rows=1), COUNT_KEY))
    run.put(COUNTS_KEY, with_digest(encode_counts([BlockCount(rows=1)])))
    assert list(problems_of_inputs(run)) == []


def test_a_run_without_an_input_has_none(tmp_path: Path) -> None:
    assert list(problems_of_inputs(LocalStorage(tmp_path))) == []


@pytest.mark.parametrize(
    ("key", "body", "said"),
    [
        (PART_KEY, b"torn", f"{PART_KEY} was changed: its digest is not the one in its name"),
        (PART_KEY, None, f"{PART_KEY} is missing"),
        (BLOCK_KEY, b"torn", f"{BLOCK_KEY} was changed"),
        (COUNT_KEY, b"{}", f"{COUNT_KEY} cannot be read: rows"),
        (COUNTS_KEY, b"torn", f"{COUNTS_KEY} was changed"),
        (listing_key(SOURCE), b"{}", f"{listing_key(SOURCE)} cannot be read: roots"),
    ],
)
def test_what_was_harmed_is_named(
    run: LocalStorage, key: str, body: bytes | None, said: str
) -> None:
    if body is None:
        run.delete(key)
    else:
        run.put(key, body)
    (problem,) = problems_of_inputs(run)
    assert problem.startswith(said)
