"""Whether what a reader finds now is what a run has listed."""

from typing import Any, NamedTuple

from batchprocess.data.listing.changes import changes_since
from batchprocess.data.row_dataset import RowDataset
from batchprocess.ledger.inputs.listing import read_listing
from batchprocess.protocol.dry_run import InputChanges
from batchprocess.runs.patience import ATTENDED
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage


class Since(NamedTuple):
    """What has changed, and the fingerprint that an attempt of the run would have."""

    changes: InputChanges
    fingerprint: str


def changed_input(dataset: Any, run: Storage) -> Since | None:
    """None if it is no reader, or of another source than the run's."""
    if not isinstance(dataset, RowDataset):
        return None
    source, now = dataset.listed
    listing = perform(read_listing(source), run, ATTENDED)
    if listing is None:
        return None
    found = changes_since(run, source, listing, now, ATTENDED)
    return Since(found, dataset.fingerprint(listing.fingerprint))
