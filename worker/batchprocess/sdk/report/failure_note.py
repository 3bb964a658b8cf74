"""The note that a failure of user code leaves in its run, and what follows from those before it."""

import logging
import traceback
from typing import NamedTuple

from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import BatchProcessError
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.runs.repeated_failures import (
    SHARDS_THAT_END_A_JOB,
    FailureNote,
    Place,
    ends_job,
    is_repeated,
    leave_note,
)
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.failure_facts import encodable, facts_of
from batchprocess.storage.base import Storage

_LOG = logging.getLogger("batchprocess")
_MAX_TRACEBACK_CHARACTERS = 8_000


class End(NamedTuple):
    """What is reported of an attempt."""

    code: ExitCode
    sentence: str


def leave_failure_note(
    error: BaseException, where: Where, nonce: str, storage: Storage, job: WorkerEnvironment
) -> End:
    """How an attempt of `job` ends by `error` of user code, of which a note is left where it was.

    90, or what follows from notes of attempts before. Trouble with the storage is only logged.
    """
    end, batch = End(ExitCode.USER_CODE, where.sentence(error)), _batch_of(where)
    if batch is None:
        return end
    facts, shown = facts_of(error), "".join(traceback.format_exception(error))
    note = FailureNote(
        error=end.sentence,
        traceback=encodable(shown)[-_MAX_TRACEBACK_CHARACTERS:],
        error_class=facts.kind,
        line=encodable(facts.line),
        row=facts.row,
        job=job.job,
        retry=job.retry,
        node=job.node,
    )
    place = Place(where.shard, batch, nonce)
    try:
        leave_note(storage, place, note)
        if is_repeated(storage, place, note):
            end = _end_of_shard(place, note, _other_way(where, job))
            if ends_job(storage, place, note, job.shards):
                end = _end_of_job(note)
    except BatchProcessError as failed:
        _LOG.warning("notes of failures could not be left or read: %s", failed)
    return end


def _batch_of(where: Where) -> int | None:
    """The batch in work; `on_finish` and the seal stand behind the last one."""
    at_end = where.batch is None and where.stage in ("on_finish", "commit")
    return where.plan.size(where.shard) if at_end and where.plan is not None else where.batch


def _other_way(where: Where, job: WorkerEnvironment) -> str:
    """Beside mending: for what may be a bad row."""
    if job.on_bad_row == "skip" or where.stage not in ("reading a batch", "process_batch"):
        return ""
    return ", or have rows that fail left out (failurePolicy: {onBadRow: skip})"


def _end_of_shard(place: Place, note: FailureNote, other_way: str) -> End:
    return End(
        ExitCode.NO_PROGRESS,
        f"{note.error}: an attempt before has ended alike at {note.line}, so shard {place.shard} "
        f"is not tried again: mend the code or the data{other_way}",
    )


def _end_of_job(note: FailureNote) -> End:
    return End(
        ExitCode.CANNOT_WORK,
        f"{note.error}: {SHARDS_THAT_END_A_JOB} shards have ended alike at every attempt, and none "
        f"of the job has committed anything: mend the code ({note.line}) or the data",
    )
