"""run.json: how a run's dataset is cut and processed. Written once, before the first claim."""

from batchprocess.ledger.create import create
from batchprocess.ledger.effects import Flow, Get
from batchprocess.ledger.job_settings import require_same_hparams
from batchprocess.protocol.errors import DatasetChanged, RunMismatch
from batchprocess.protocol.run import RUN_KEY, RunInfo, encode_document, parse_document
from batchprocess.protocol.sharding import ShardPlan

ANOTHER = "batchprocess run --fresh, or a new runId"
_SPELLING = {
    "batch_size": "batchSize",
    "shards": "shards",
    "max_batches": "maxBatches",
    "processor": "processor",
}
"""As a job spells it."""


def read_run(key: str = RUN_KEY) -> Flow[RunInfo | None]:
    """run.json, or None before it exists."""
    body: bytes | None = yield Get(key)
    return None if body is None else parse_document(RunInfo, RUN_KEY, body)


def open_run(mine: RunInfo, another: str = ANOTHER) -> Flow[RunInfo]:
    """Write run.json, or compare with the one that stands; the stored one rules.

    Two first attempts may race: whoever loses compares like any later attempt.
    """
    stored = yield from create(RUN_KEY, encode_document(mine, RUN_KEY))
    if stored is None:
        return mine
    theirs = parse_document(RunInfo, RUN_KEY, stored)
    require_same(mine, theirs, another)
    return theirs


def require_same(mine: RunInfo, stored: RunInfo, another: str = ANOTHER) -> None:
    """Raise if this attempt would cut or process the dataset otherwise than the run did.

    `another` says how a person starts another run.
    """
    for field in ("batch_size", "shards", "max_batches", "processor"):
        ours, theirs = getattr(mine, field), getattr(stored, field)
        if ours != theirs:
            raise RunMismatch(
                f"{_SPELLING[field]} is {ours!r}, but this run was started with {theirs!r}; "
                f"use that value, or start another run ({another})"
            )
    require_same_hparams(mine.asked, stored.asked, another)
    if mine.rows != stored.rows:
        raise DatasetChanged(
            f"the dataset has {mine.rows} rows here, but the run was started with {stored.rows}; "
            f"to process the changed one, start another run ({another})"
        )
    # Where the first attempt found none, there is nothing that a later one could differ from.
    if stored.fingerprint is not None and mine.fingerprint != stored.fingerprint:
        raise DatasetChanged(
            f"the dataset's fingerprint is {_short(mine.fingerprint)} here, but the run was "
            f"started with {_short(stored.fingerprint)}: is the data random, or are file lists "
            f"unsorted? To process a changed dataset, start another run ({another})"
        )


def plan_of(run: RunInfo) -> ShardPlan:
    """How the run is cut."""
    return ShardPlan(run.rows, run.batch_size, run.shards, run.max_batches)


def _short(fingerprint: str | None) -> str:
    """Enough of a digest to tell two apart."""
    return str(fingerprint)[:12]
