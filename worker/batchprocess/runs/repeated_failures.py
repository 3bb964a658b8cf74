"""Failures of user code that no further attempt will mend: the notes of attempts tell them."""

from itertools import islice
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from batchprocess.protocol.file_names import failure_key, failure_prefix
from batchprocess.runs.local_runs import read_standing
from batchprocess.runs.patience import Patience, retry_until_known
from batchprocess.storage.base import Storage

_BRIEF = Patience(5)
_MAX_NOTES, _MAX_NOTE_BYTES = 32, 1 << 16
SHARDS_THAT_END_A_JOB = 3


class FailureNote(BaseModel):
    """What an attempt that ends 90 leaves in its run; `line` as `file:number`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    error: str
    traceback: str = ""
    error_class: str = ""
    line: str = ""
    row: int | None = None
    job: str = ""
    retry: int = 0
    node: str | None = None

    def is_like(self, other: "FailureNote") -> bool:
        """Whether both tell of one failure, in attempts of one job and `spec.retry`."""
        ours = (self.error_class, self.line, self.row, self.job, self.retry)
        theirs = (other.error_class, other.line, other.row, other.job, other.retry)
        return self.line != "" and ours == theirs


class Place(NamedTuple):
    """Where an attempt, known by its nonce, has failed."""

    shard: int
    batch: int
    nonce: str


def leave_note(storage: Storage, place: Place, note: FailureNote) -> None:
    """Put it beside the shard's records."""
    key, body = failure_key(*place), note.model_dump_json().encode()
    retry_until_known(lambda: storage.put(key, body), _BRIEF)


def is_repeated(storage: Storage, place: Place, note: FailureNote) -> bool:
    """Whether an attempt before has failed alike: on another node, or twice if all were on ours.

    A starter waits before it starts another attempt, so what passes within seconds has passed. A
    note that is not found, or cannot be read, costs one more attempt.
    """
    prefix = f"{failure_prefix(place.shard)}{place.batch}-"
    listed = retry_until_known(lambda: list(islice(storage.list(prefix), _MAX_NOTES)), _BRIEF)
    keys = [one.key for one in listed if one.size <= _MAX_NOTE_BYTES]
    others = [_read(storage, key) for key in keys if key != failure_key(*place)]
    alike = [one for one in others if one is not None and note.is_like(one)]
    elsewhere = note.node is None or any(one.node != note.node for one in alike)
    return len(alike) >= (1 if elsewhere else 2)


def ends_job(storage: Storage, place: Place, note: FailureNote, shards: int) -> bool:
    """Mark the shard as failed for good; whether enough are and none has committed anything.

    Of several that end at once the last to look finds the marks of all.
    """
    folder = f"failed/{note.job}/{note.retry}/"
    key, body = f"{folder}{place.shard:05d}.json", note.model_dump_json().encode()
    retry_until_known(lambda: storage.put(key, body), _BRIEF)
    enough = SHARDS_THAT_END_A_JOB
    marked = retry_until_known(lambda: list(islice(storage.list(folder), enough)), _BRIEF)
    if len(marked) < enough:
        return False
    heads = read_standing(storage, shards).heads
    return all(head is None or head.record.cursor == 0 for head in heads)


def _read(storage: Storage, key: str) -> FailureNote | None:
    body = retry_until_known(lambda: storage.get(key), _BRIEF)
    try:
        return FailureNote.model_validate_json(body or b"")
    except ValidationError:
        return None
