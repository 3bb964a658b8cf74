"""Whether what a reader finds now is what a run has listed."""

from typing import Any, NamedTuple

from batchprocess.data.concatenated import Concatenated
from batchprocess.data.listing.changes import changes_since
from batchprocess.data.row_dataset import RowDataset
from batchprocess.ledger.inputs.listing import read_listing
from batchprocess.protocol.dry_run import InputChanges
from batchprocess.protocol.inputs.listing import InputListing, run_name
from batchprocess.runs.patience import ATTENDED
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage


class Since(NamedTuple):
    """What has changed, and the fingerprint that an attempt of the run would have."""

    changes: InputChanges
    fingerprint: str


def changed_input(dataset: Any, run: Storage) -> Since | None:
    """None if it is no reader, or of another source than the run's."""
    if isinstance(dataset, Concatenated):
        return _of_several(dataset, run)
    if not isinstance(dataset, RowDataset):
        return None
    source, now = dataset.listed
    listing = perform(read_listing(source), run, ATTENDED)
    if listing is None or _since(listing, run.uri) != _since(now.about, run.uri):
        return None
    found = changes_since(run, source, listing, now, ATTENDED)
    return Since(found, dataset.fingerprint(listing.fingerprint))


def _since(listing: InputListing, run: str) -> str | None:
    return None if listing.since is None else run_name(listing.since, run)


def _of_several(dataset: Concatenated, run: Storage) -> Since | None:
    found = [changed_input(one, run) for one in dataset.readers]
    known = [one.changes for one in found if one is not None]
    if not known:
        return None
    changes = InputChanges(
        added=sum(one.added for one in known),
        changed=sum(one.changed for one in known),
        missing=sum(one.missing for one in known),
        first=next((one.first for one in known if one.first is not None), None),
    )
    of_readers = [None if one is None else one.fingerprint for one in found]
    return Since(changes, dataset.fingerprint(of_readers))
