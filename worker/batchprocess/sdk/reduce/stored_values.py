"""Reducer values as commits hold them: small ones in the record, large ones beside it."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from batchprocess.ledger.draft import StagedReducer
from batchprocess.ledger.effects import Staged
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.json_values import check_readable
from batchprocess.protocol.records import MAX_INLINE_BYTES, CommittedFile, ReducerEntry, digest
from batchprocess.sdk.reduce.json_codec import to_json
from batchprocess.sdk.reduce.registered import RegisteredReducer


def staged(one: RegisteredReducer) -> StagedReducer:
    """The reducer's value for the next commit.

    TypeError or ValueError name it if it has none that can be stored and read again.
    """
    given = one.value_to_store()
    try:
        value = to_json(given)
        check_readable(value)
        body = json.dumps(value).encode()
    except TypeError as error:
        raise TypeError(f"the value of reducer {one.key!r}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the value of reducer {one.key!r} cannot be kept: {error}") from error
    if len(body) <= MAX_INLINE_BYTES:
        return StagedReducer(ReducerEntry(name=one.key, kind=one.kind, value=value))
    beside = Staged(body, len(body), hashlib.sha256(body).hexdigest())
    return StagedReducer(ReducerEntry(name=one.key, kind=one.kind), beside)


def value_of(entry: ReducerEntry, load: Callable[[str], bytes]) -> Any:
    """The JSON form of a stored reducer value, wherever it lies.

    VerificationError if it lies beside its record and is not what was committed.
    """
    return entry.value if entry.object is None else json.loads(_committed(entry.object, load))


def _committed(item: CommittedFile, load: Callable[[str], bytes]) -> bytes:
    body = load(item.key)
    if digest(body) != item.sha256:
        raise VerificationError(f"{item.key} was changed: its digest is not the one in the ledger")
    return body
