"""What stands in a run's `inputs/`, compared with what it says of itself."""

from collections.abc import Iterator
from functools import partial

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.inputs.blocks import (
    BlockCount,
    has_digest,
    is_count_key,
    without_digest,
)
from batchprocess.protocol.inputs.listing import (
    INPUTS_PREFIX,
    LISTING_NAME,
    InputListing,
    listed_part_key,
    listing_key,
)
from batchprocess.protocol.run import parse_document
from batchprocess.runs.download import sha256_of
from batchprocess.runs.patience import retry_until_known
from batchprocess.storage.base import Storage


def problems_of_inputs(storage: Storage) -> Iterator[str]:
    """A sentence for each listing that cannot be read, and each part that is not what it names.

    Parts that no listing names are those of attempts that have died or lost: nobody reads them.
    """
    for source in retry_until_known(lambda: list(storage.folders(INPUTS_PREFIX))):
        yield from _block_problems(storage, f"{INPUTS_PREFIX}{source}/")
        key = listing_key(source)
        body = retry_until_known(partial(storage.get, key))
        if body is None:
            continue
        try:
            listing = parse_document(InputListing, key, body)
        except VerificationError as error:
            yield str(error)
            continue
        for part in listing.parts:
            yield from _part_problems(storage, listed_part_key(source, part.sha256), part.sha256)


def _block_problems(storage: Storage, folder: str) -> Iterator[str]:
    for key in retry_until_known(lambda: [one.key for one in storage.list(folder)]):
        if not has_digest(key) and not is_count_key(key):
            continue
        stored = retry_until_known(partial(storage.get, key))
        try:
            if has_digest(key):
                without_digest(key, stored or b"")
            else:
                parse_document(BlockCount, key, stored or b"")
        except VerificationError as error:
            yield str(error)


def _part_problems(storage: Storage, key: str, expected: str) -> Iterator[str]:
    found = sha256_of(storage, key)
    if found is None:
        yield f"{key} is missing, and {LISTING_NAME} beside it names it"
    elif found != expected:
        yield f"{key} was changed: its digest is not the one in its name"
