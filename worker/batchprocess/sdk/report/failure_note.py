"""The note that a failure of user code leaves in its run, for a person to read."""

import json
import logging
import traceback

from batchprocess.ledger.effects import Flow, Put
from batchprocess.protocol.errors import BatchProcessError
from batchprocess.protocol.records import failure_key
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.sdk.report.error_report import Where
from batchprocess.storage.base import Storage

_LOG = logging.getLogger("batchprocess")
_MAX_TRACEBACK_CHARACTERS = 8_000
_PATIENCE = Patience(5)


def leave_failure_note(where: Where, sentence: str, nonce: str, storage: Storage) -> None:
    """For the exception being handled, if it was raised at a batch; a failure is only logged.

    Information only: nothing is decided by it.
    """
    if where.batch is None:
        return
    shown = traceback.format_exc()[-_MAX_TRACEBACK_CHARACTERS:]
    body = json.dumps({"error": sentence, "traceback": shown}).encode()
    key = failure_key(where.shard, where.batch, nonce)
    try:
        perform(_put(key, body), storage, _PATIENCE)
    except BatchProcessError as failed:
        _LOG.warning("no note of the failure was left: %s", failed)


def _put(key: str, body: bytes) -> Flow[None]:
    yield Put(key, body)
