"""The listing of a run's input: kept by whoever is first, read by everybody else."""

from collections.abc import Callable

from batchprocess.ledger.create import create
from batchprocess.ledger.effects import Flow, Get, Sync
from batchprocess.ledger.run import ANOTHER
from batchprocess.protocol.errors import RunMismatch, VerificationError
from batchprocess.protocol.inputs.listing import (
    InputListing,
    listed_part_key,
    listing_key,
    run_name,
)
from batchprocess.protocol.run import encode_document, parse_document


def read_listing(source: str) -> Flow[InputListing | None]:
    """What the run reads of `source`, None if nobody has kept that yet."""
    key = listing_key(source)
    body: bytes | None = yield Get(key)
    if body is None:
        return None
    yield Sync(key)
    return parse_document(InputListing, key, body)


def keep_listing(
    source: str, mine: InputListing, part: Callable[[int], bytes]
) -> Flow[InputListing]:
    """Make `mine` the run's, or find that another attempt was first: then its listing counts.

    `part`: bytes of a part by number. Parts come first, each under its digest, so that whoever
    reads the listing finds all of them, and two attempts never write other bytes at one key. Those
    of who loses, or dies before the listing stands, count for nothing.
    """
    for number, known in enumerate(mine.parts):
        key = listed_part_key(source, known.sha256)
        if (yield from create(key, part(number))) is not None:
            raise VerificationError(f"{key} has other bytes than its name says")
    key = listing_key(source)
    stored = yield from create(key, encode_document(mine, key))
    return mine if stored is None else parse_document(InputListing, key, stored)


def require_same_since(since: str | None, stored: InputListing, run: str) -> None:
    """Raise RunMismatch unless the listing is what has come since that run; None: all files.

    run: address of the run whose listing it is.
    """
    mine = None if since is None else run_name(since, run)
    if mine != stored.since:
        theirs = "all files" if stored.since is None else f"what is new since {stored.since}"
        ours = "all files" if mine is None else f"what is new since {mine}"
        raise RunMismatch(
            f"run {run} reads {theirs}, and the job (input.newSince) asks for {ours}: give it as "
            f"it was, or start another run ({ANOTHER})"
        )
