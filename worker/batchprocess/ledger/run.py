"""run.json: how a run's dataset is cut and processed. Written once, before the first claim."""

from batchprocess.ledger.create import create
from batchprocess.ledger.effects import Flow, Get, Sync
from batchprocess.ledger.job_settings import require_same_hparams
from batchprocess.protocol.errors import DatasetChanged, RunMismatch
from batchprocess.protocol.rows.sample import sample
from batchprocess.protocol.run import (
    RUN_KEY,
    FingerprintOf,
    RunInfo,
    encode_document,
    parse_document,
)
from batchprocess.protocol.sharding import ShardPlan

ANOTHER = "batchprocess run --fresh, or a new runId"
_SPELLING = {
    "batch_size": "batchSize",
    "shards": "shards",
    "max_batches": "maxBatches",
    "processor": "processor",
}
"""As a job spells it."""
_NAMES: dict[FingerprintOf | None, str] = {
    "attribute": "the dataset's own `fingerprint`",
    "huggingface": "Hugging Face's `_fingerprint` of the dataset",
    "rows": "the digest of eight rows of the dataset",
    None: "the dataset's fingerprint",
}
_SHOWN = 12


def read_run(key: str = RUN_KEY) -> Flow[RunInfo | None]:
    """run.json, or None before it exists."""
    body: bytes | None = yield Get(key)
    if body is not None:
        yield Sync(key)
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
    if mine.listed != stored.listed:
        raise RunMismatch(
            f"the rows that run {_list_of(mine)} has left out are others than those that this run "
            f"was started over, the ones of {_list_of(stored)}: see batchprocess verify of it, or "
            f"start another run ({another})"
        )
    require_same_fingerprint(mine, stored, another)


def _list_of(run: RunInfo) -> str:
    about = run.listed
    return "nobody" if about is None else f"{about.bad_rows_of} ({about.sha256[:_SHOWN]})"


def plan_of(run: RunInfo) -> ShardPlan:
    """How the run is cut."""
    return ShardPlan(run.rows, run.batch_size, run.shards, run.max_batches)


def require_same_fingerprint(mine: RunInfo, stored: RunInfo, another: str) -> None:
    """Raise DatasetChanged if the fingerprints differ, and what they stand for may differ too."""
    if same_fingerprint(mine, stored):
        return
    raise DatasetChanged(
        f"{_NAMES[mine.fingerprint_of]} is {_shortened(mine.fingerprint)} here, but the run was "
        f"started with {_shortened(stored.fingerprint)}{_why(mine, stored)}: is the data random, "
        "or are file lists unsorted? If it is the same data, set the dataset's attribute "
        "`fingerprint` to a text that says so (a table's version, a digest of the file list) and "
        f"start another run; to process a changed dataset, start another run too ({another})"
    )


def same_fingerprint(mine: RunInfo, stored: RunInfo) -> bool:
    """Whether both are of one dataset, for all that is known of it."""
    # Where the first attempt found none, there is nothing that a later one could differ from.
    if stored.fingerprint is None or mine.fingerprint == stored.fingerprint:
        return True
    if stored.fingerprint_of != "attribute" and _misses_sample(mine):
        # Rows that are left out by hand are not read, not even for this.
        return True
    # Theirs depends on when a file was written: it differs on every node.
    return mine.fingerprint_of == "huggingface" and _have_equal_rows(mine, stored)


def _misses_sample(mine: RunInfo) -> bool:
    rows = mine.rows if mine.listed is None else mine.listed.dataset_rows
    asked = None if mine.asked is None else mine.asked.rows
    return asked is not None and not set(asked.skip).isdisjoint(sample(rows))


def _have_equal_rows(mine: RunInfo, stored: RunInfo) -> bool:
    return mine.rows_digest is not None and mine.rows_digest == stored.rows_digest


def _why(mine: RunInfo, stored: RunInfo) -> str:
    if mine.fingerprint is None:
        return " (its rows vary, or eight of them could not be read here: a warning says so)"
    if mine.fingerprint_of != "huggingface":
        return ""
    if mine.rows_digest is None or stored.rows_digest is None:
        return ", and eight rows could not be compared"
    return ", and of eight rows at least one differs"


def _shortened(fingerprint: str | None) -> str:
    """Enough of a digest to tell two apart."""
    return str(fingerprint)[:_SHOWN]
