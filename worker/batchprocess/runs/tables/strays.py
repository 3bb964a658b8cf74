"""Files of ours in the tables of a final run that its manifest has not."""

import json

from batchprocess.ledger.finalize import finished, read_success
from batchprocess.ledger.survey import table_names
from batchprocess.ledger.tables.cleaning import tables_to_clean
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.file_names import TABLES, shard_of_table_file
from batchprocess.protocol.records import digest
from batchprocess.protocol.run import MANIFEST_KEY, SUCCESS_KEY
from batchprocess.runs.download import whole
from batchprocess.runs.patience import retry_until_known
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage


def strays_of(run: Storage) -> tuple[str, ...]:
    """Keys of our own form that nobody will ever name; none of a run that is not final.

    None either of a table that others have gone on with. Raises VerificationError if the manifest
    is not the one that `_SUCCESS` names: then nobody knows what counts.
    """
    summary, success = perform(finished(), run), perform(read_success(), run)
    if summary is None or success is None:
        return ()
    tables = perform(tables_to_clean(summary.withoutDeltaLog), run)
    if not tables:
        return ()
    manifest = whole(run, MANIFEST_KEY)
    if digest(manifest) != success.manifest:
        raise VerificationError(f"{SUCCESS_KEY} names another manifest; see batchprocess verify")
    # Hashes: there may be a million. Of two equal ones a stray would be left, and no file lost.
    named = {hash(json.loads(line)["key"]) for line in manifest.splitlines()}
    return tuple(
        key
        for stem in tables
        for key in _listed(run, f"{TABLES}{stem}/")
        if shard_of_table_file(key) is not None and hash(key) not in named
    )


def _listed(run: Storage, prefix: str) -> list[str]:
    return retry_until_known(lambda: [item.key for item in run.list(prefix)])


def is_of_others_too(run: Storage) -> bool:
    """Whether others have gone on with a table of the run, by its log of Delta Lake."""
    return perform(table_names(), run) != perform(tables_to_clean(), run)
