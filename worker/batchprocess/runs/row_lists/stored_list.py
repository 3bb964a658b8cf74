"""The list of rows that is kept with a run: foreign to whoever reads it, so bounded and checked."""

import hashlib
from array import array

from batchprocess.ledger.create import create
from batchprocess.ledger.effects import Flow
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.rows.dataset_rows import ALL_ROWS, DatasetRows
from batchprocess.protocol.rows.row_list import (
    MAX_ROWS,
    ROW_BYTES,
    decode_rows,
    encode_rows,
    row_list_key,
)
from batchprocess.protocol.run import ListedRows, RunInfo
from batchprocess.runs.download import chunks
from batchprocess.runs.patience import ATTENDED, Patience
from batchprocess.storage.base import Storage


def listed(rows: "array[int]", run: str, dataset_rows: int) -> ListedRows:
    """What run.json says of rows that `run` has left out."""
    digest = hashlib.sha256(encode_rows(rows)).hexdigest()
    return ListedRows(bad_rows_of=run, dataset_rows=dataset_rows, sha256=digest)


def keep_rows(rows: "array[int]", about: ListedRows) -> Flow[None]:
    """Before the run.json that names them: whoever dies between leaves what nobody reads."""
    key = row_list_key(about.sha256)
    if (yield from create(key, encode_rows(rows))) is not None:
        raise VerificationError(f"{key} has other bytes than its name says")


def rows_of_run(storage: Storage, run: RunInfo, patience: Patience = ATTENDED) -> DatasetRows:
    """Which rows of the dataset are the run's.

    Raises VerificationError if its list is missing, or not the one that it was begun with.
    """
    if run.listed is None:
        return ALL_ROWS
    key = row_list_key(run.listed.sha256)
    if not 0 < run.rows <= MAX_ROWS:
        raise VerificationError(f"run.json has a list of {run.rows} rows; it may have {MAX_ROWS}")
    try:
        body = _at_most(storage, key, run.rows * ROW_BYTES, patience)
    except FileNotFoundError as error:
        raise VerificationError(f"{storage.uri}/{key} is missing") from error
    dataset_rows, digest = run.listed.dataset_rows, run.listed.sha256
    return DatasetRows(
        decode_rows(body, key, rows=run.rows, dataset_rows=dataset_rows, sha256=digest)
    )


def _at_most(storage: Storage, key: str, size: int, patience: Patience) -> bytes:
    """The object's bytes, no more of them than one chunk above `size`."""
    body = bytearray()
    for chunk in chunks(storage, key, patience):
        body += chunk
        if len(body) > size:
            break
    return bytes(body)
