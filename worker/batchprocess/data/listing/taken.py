"""The listing of another run, whose rows are numbered by it, as the listing of this one."""

from pathlib import Path

from batchprocess.data.listing.in_run import part_chunks
from batchprocess.data.listing.object_list import OBJECTS
from batchprocess.ledger.inputs.listing import read_listing
from batchprocess.protocol.inputs.listing import InputListing, run_address
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage


def take_listing(
    run: Storage, source: str, folder: Path, patience: Patience
) -> InputListing | None:
    """Into `folder`; None if that run has not listed the source: then its fingerprint decides.

    `since` is an address. Raises VerificationError for a part that is missing or was changed.
    """
    listing = perform(read_listing(source), run, patience)
    if listing is None:
        return None
    with (folder / OBJECTS).open("wb") as file:
        for part in listing.parts:
            file.writelines(part_chunks(run, source, part, patience))
    since = None if listing.since is None else run_address(listing.since, run.uri)
    return listing.model_copy(update={"since": since})
