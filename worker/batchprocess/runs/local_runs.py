"""Names of runs and jobs where no cluster gives them.

See docs/protocol.md, "Runs without a cluster".
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from batchprocess.ledger.create import create
from batchprocess.ledger.effects import Flow, Get
from batchprocess.ledger.finalize import finished
from batchprocess.ledger.head import Stored, find_head
from batchprocess.ledger.run import plan_of, read_run
from batchprocess.protocol.errors import BatchProcessError, VerificationError
from batchprocess.protocol.progress import ShardProgress
from batchprocess.protocol.records import Claim, Seal
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.patience import ATTENDED, Patience, retry_until_known
from batchprocess.runs.perform import perform, perform_all
from batchprocess.storage.base import Storage

LATEST_KEY = "latest"
_FORMAT = "%Y%m%dT%H%M%SZ"


def new_run_id(now: datetime) -> str:
    """A run id that sorts by time: `YYYYMMDDTHHMMSSZ-` and four hex digits."""
    return f"{now.astimezone(UTC).strftime(_FORMAT)}-{secrets.token_hex(2)}"


def latest_run(job_folder: Storage, patience: Patience = ATTENDED) -> str | None:
    """The run that `latest` names, or None. Correctness never depends on it."""
    body = perform(_read(LATEST_KEY), job_folder, patience)
    return None if body is None else body.decode().strip() or None


def next_run(job_folder: Storage, after: str | None, now: datetime) -> str:
    """Begin the run that follows `after` (None: the first) and make it the latest.

    All who ask for the same one get the same id, whoever comes first: ranks of one launcher, or
    two people at once. Created once and never changed, so a crash in between loses nothing.
    """
    body = f"{new_run_id(now)}\n".encode()
    stored = perform(create(f"next/{after or 'first'}", body), job_folder)
    run_id = (stored or body).decode().strip()
    start_run(job_folder, run_id)
    return run_id


def start_run(job_folder: Storage, run_id: str) -> None:
    """Make `run_id` the latest run."""
    retry_until_known(lambda: job_folder.put(LATEST_KEY, f"{run_id}\n".encode()))


def is_complete(run_folder: Storage, patience: Patience = ATTENDED) -> bool:
    """Whether the run has `_SUCCESS`."""
    return perform(finished(), run_folder, patience) is not None


def has_begun(run_folder: Storage, patience: Patience = ATTENDED) -> bool:
    """Whether run.json exists. A store that does not say counts as yes: then nothing is final."""
    try:
        return perform(read_run(), run_folder, patience) is not None
    except BatchProcessError:
        return True


@dataclass(frozen=True)
class Standing:
    """How far a run is: run.json (None before it begins) and the head of every shard.

    Of heads without what they hand over: thousands of shards may each name thousands of files.
    """

    run: RunInfo | None
    heads: tuple[Stored | None, ...]

    def progress(self) -> tuple[ShardProgress, ...]:
        """Every shard with a record, as a report would have it."""
        if self.run is None:
            return ()
        plan = plan_of(self.run)
        return tuple(
            ShardProgress(
                shard=shard,
                seq=head.record.seq,
                cursor=head.record.cursor,
                processed=head.record.cursor,
                total=plan.size(shard),
                phase="done" if _is_complete(head) else "starting",
                sealed=_is_complete(head),
            )
            for shard, head in enumerate(self.heads)
            if head is not None
        )


def read_standing(run_folder: Storage, shards: int) -> Standing:
    """Read run.json and all heads; `shards` is used where run.json does not exist yet."""
    run = perform(read_run(), run_folder)
    numbers = range(shards if run is None else run.shards)
    return Standing(run, tuple(perform_all((_head(shard) for shard in numbers), run_folder)))


def new_job_id(run_folder: Storage, shards: int, now: datetime) -> str:
    """A job id younger than every job that has worked on this run, whatever the clocks say."""
    return job_id_after(now, read_standing(run_folder, shards).heads)


def job_id_after(now: datetime, heads: Iterable[Stored | None]) -> str:
    """The later of `now` and one second after the newest job of `heads`, plus random hex."""
    newest = max((head.record.job for head in heads if head is not None), default="")
    moment = now.astimezone(UTC)
    if newest:
        moment = max(moment, _begun(newest) + timedelta(seconds=1))
    return f"{moment.strftime(_FORMAT)}-{secrets.token_hex(16)}"


def _begun(job: str) -> datetime:
    try:
        return datetime.strptime(job.partition("-")[0], _FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise VerificationError(
            f"a record of this run is of job {job!r:.100}, which is no job id: those begin with a "
            "time, as 20260101T000000Z-; was the folder written by another program?"
        ) from error


def _is_complete(head: Stored) -> bool:
    return isinstance(head.record, Seal) and head.record.outcome == "complete"


def _head(shard: int) -> Flow[Stored | None]:
    head = yield from find_head(shard)
    if head is None or isinstance(head.record, Claim):
        return head
    nothing: dict[str, Any] = {"files": (), "reducers": (), "metrics": ()}
    return Stored(head.record.model_copy(update=nothing), head.digest)


def _read(key: str) -> Flow[bytes | None]:
    body: bytes | None = yield Get(key)
    return body
