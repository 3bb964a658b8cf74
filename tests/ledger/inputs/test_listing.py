"""One listing is the run's, whoever dies or races."""

import hashlib
from pathlib import Path

import pytest

from batchprocess.ledger.inputs.listing import keep_listing, read_listing
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.inputs.listing import (
    InputListing,
    ListedPart,
    listed_part_key,
    listing_key,
)
from batchprocess.runs.perform import perform
from batchprocess.storage.local import LocalStorage

SOURCE = "5" * 32


def listing(*parts: bytes) -> InputListing:
    known = [
        ListedPart(objects=1, size=len(one), sha256=hashlib.sha256(one).hexdigest())
        for one in parts
    ]
    return InputListing(
        roots=("r",), objects=len(parts), bytes=0, fingerprint="f" * 64, parts=tuple(known)
    )


def keep(storage: LocalStorage, *parts: bytes) -> InputListing:
    return perform(keep_listing(SOURCE, listing(*parts), parts.__getitem__), storage)


def test_the_first_one_counts_for_everybody(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert perform(read_listing(SOURCE), storage) is None
    first = keep(storage, b"a", b"b")
    assert first == listing(b"a", b"b")
    assert keep(storage, b"a", b"b", b"c") == first
    assert perform(read_listing(SOURCE), storage) == first
    for part in first.parts:
        body = storage.get(listed_part_key(SOURCE, part.sha256))
        assert body is not None
        assert hashlib.sha256(body).hexdigest() == part.sha256


def test_parts_without_a_listing_are_those_of_nobody(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    flow = keep_listing(SOURCE, listing(b"a", b"b"), (b"a", b"b").__getitem__)
    effect = next(flow)
    assert storage.create(effect.key, effect.body)  # type: ignore[union-attr, arg-type]
    flow.close()  # as a kill would
    assert perform(read_listing(SOURCE), storage) is None
    assert keep(storage, b"a", b"z") == listing(b"a", b"z")


def test_a_part_with_other_bytes_is_told(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    key = listed_part_key(SOURCE, hashlib.sha256(b"a").hexdigest())
    storage.put(key, b"torn")
    with pytest.raises(VerificationError, match=r"objects-.* has other bytes than its name says"):
        keep(storage, b"a")
    assert storage.get(listing_key(SOURCE)) is None
