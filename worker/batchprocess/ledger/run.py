"""run.json: how a run's dataset is cut. Written once, before the first claim."""

from batchprocess.ledger.create import create
from batchprocess.ledger.effects import Flow, Get
from batchprocess.protocol.errors import DatasetChanged, RunMismatch, VerificationError
from batchprocess.protocol.run import RUN_KEY, RunInfo
from batchprocess.protocol.sharding import ShardPlan


def read_run(key: str = RUN_KEY) -> Flow[RunInfo | None]:
    """run.json, or None before it exists."""
    body: bytes | None = yield Get(key)
    return None if body is None else _parse(body)


def open_run(mine: RunInfo) -> Flow[RunInfo]:
    """Write run.json, or compare with the one that stands; the stored one rules.

    Two first attempts may race: whoever loses compares like any later attempt.
    """
    stored = yield from create(RUN_KEY, mine.model_dump_json(indent=1).encode())
    if stored is None:
        return mine
    theirs = _parse(stored)
    require_same(mine, theirs)
    return theirs


def require_same(mine: RunInfo, stored: RunInfo) -> None:
    """Raise if this attempt would cut the dataset otherwise than the run did."""
    for field in ("batch_size", "shards", "max_batches", "processor"):
        ours, theirs = getattr(mine, field), getattr(stored, field)
        if ours != theirs:
            raise RunMismatch(
                f"{field} is {ours!r}, but this run was started with {theirs!r}; "
                "use that value, or start another run"
            )
    if mine.rows != stored.rows:
        raise DatasetChanged(
            f"the dataset has {mine.rows} rows here, but the run was started with {stored.rows}"
        )
    # Where the first attempt found none, there is nothing that a later one could differ from.
    if stored.fingerprint is not None and mine.fingerprint != stored.fingerprint:
        raise DatasetChanged(
            f"the dataset's fingerprint is {mine.fingerprint} here, but the run was started with "
            f"{stored.fingerprint}: same rows in another order? Sort your file lists"
        )


def plan_of(run: RunInfo) -> ShardPlan:
    """How the run is cut."""
    return ShardPlan(run.rows, run.batch_size, run.shards, run.max_batches)


def _parse(body: bytes) -> RunInfo:
    try:
        return RunInfo.model_validate_json(body)
    except ValueError as error:
        raise VerificationError(f"{RUN_KEY} cannot be read: {error}") from error
