"""Reading a stored object whole, past interruptions."""

import hashlib
from collections.abc import Iterator

from batchprocess.protocol.errors import OutcomeUnknown, StorageDenied
from batchprocess.runs.patience import ATTENDED, Patience, RetryBudget
from batchprocess.storage.base import Storage

DOWNLOADS = 16
"""Files that are read at a time where many are."""


def chunks(storage: Storage, key: str, patience: Patience = ATTENDED) -> Iterator[bytes]:
    """The object's bytes in chunks; a reading that breaks off goes on behind the last chunk.

    Raises StorageUnavailable when nothing has come past the deadline, FileNotFoundError if there
    is no object.
    """
    budget = RetryBudget(patience)
    start = 0
    while True:
        try:
            for chunk in storage.read(key, start=start):
                patience.refuse_stopped()
                start += len(chunk)
                budget.reset()
                yield chunk
        except (OutcomeUnknown, StorageDenied) as error:
            budget.wait_or_raise(error)
        else:
            return


def whole(storage: Storage, key: str, patience: Patience = ATTENDED) -> bytes:
    """The object's bytes; errors as `chunks`."""
    return b"".join(chunks(storage, key, patience))


def sha256_of(storage: Storage, key: str, patience: Patience = ATTENDED) -> str | None:
    """Of the object's bytes, in hex; None if there is no object. Errors as `chunks`."""
    digest = hashlib.sha256()
    try:
        for chunk in chunks(storage, key, patience):
            digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()
