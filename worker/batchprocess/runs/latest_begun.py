"""Which run a job's folder stands for: the one that was begun last.

A run is as old as the job that first claimed a shard of it. That job's time is written in the
record: on a cluster the API server's time of `kubectl apply`, elsewhere that of `batchprocess run`.
So a copied folder keeps its order, and nothing depends on what a store says of its objects' times,
or on `latest`, which only runs outside a cluster write. `latest` decides between runs that were
begun in the same second, and where the folder may not be listed.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from batchprocess.ledger.effects import Flow, Get, GetMany
from batchprocess.ledger.run import read_run
from batchprocess.protocol.errors import InvalidArgument, StorageDenied, VerificationError
from batchprocess.protocol.records import decode, record_key
from batchprocess.protocol.run import RUN_KEY
from batchprocess.runs.local_runs import latest_run
from batchprocess.runs.patience import retry_until_known
from batchprocess.runs.perform import perform_all
from batchprocess.storage.base import Storage

_LOG = logging.getLogger("batchprocess")
MAX_SHARDS_ASKED = 32
MAX_NAMED = 5
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")
_NEVER = ""
"""Sorts before every time: nobody has claimed a shard."""


@dataclass(frozen=True)
class Runs:
    """What a folder holds: when each run was begun, by name; `latest` as it is written there.

    `others` are folders that are no runs: of another job, or somebody else's.
    """

    begun: dict[str, str]
    latest: str | None
    others: tuple[str, ...] = ()

    def last_begun(self) -> str | None:
        """The run that was begun last; None if none has begun."""
        return max(
            self.begun, key=lambda name: (self.begun[name], name == self.latest, name), default=None
        )


def find_runs(folder: Storage) -> Runs:
    """All runs of a job's folder. The one that `latest` names is read unlisted too."""
    latest = latest_run(folder)
    names = dict.fromkeys([] if latest is None else [latest])
    try:
        names |= dict.fromkeys(retry_until_known(lambda: list(folder.folders())))
    except StorageDenied as error:
        if latest is None:
            raise
        _LOG.warning("%s names run %s; others were not looked for: %s", folder.uri, latest, error)
    times = perform_all([_begun(name) for name in names], folder)
    begun = {name: time for name, time in zip(names, times, strict=True) if time is not None}
    return Runs(begun, latest, tuple(name for name in names if name not in begun))


def choose(folder: Storage) -> str:
    """The run that a job's folder stands for. Raises InvalidArgument if none has begun.

    Says which it is where it is not the only one: who has run the job here and on a cluster must
    not take the one for the other.
    """
    runs = find_runs(folder)
    chosen = runs.last_begun()
    if chosen is None:
        raise InvalidArgument(_nothing(folder, runs))
    if len(runs.begun) > 1 or runs.latest not in (None, chosen):
        _LOG.warning("%s", _sentence(folder, runs, chosen))
    return chosen


def not_begun(run_id: str, folder: Storage) -> str:
    """What is said of a run without run.json, which is written just before the first batch."""
    return (
        f"run {run_id} at {folder.uri} has not begun: no worker has got as far as its first batch; "
        "if none is starting now, run the job again"
    )


def _begun(name: str) -> Flow[str | None]:
    """When the run was begun; None if there is no run of that name."""
    body: bytes | None = yield Get(f"{name}/{RUN_KEY}")
    if body is None:
        return None
    try:
        first = yield from _first_claim(name)
        if first is None:
            return _NEVER
        shard, record = first
        return decode(record, shard=shard, seq=1).job.partition("-")[0]
    except VerificationError:
        # Whoever reads that run learns of it; the others can be told apart without it.
        return _NEVER


def _first_claim(name: str) -> Flow[tuple[int, bytes] | None]:
    """Of shard 0, which is nearly always begun first; of the next ones where it has none yet."""
    run = yield from read_run(f"{name}/{RUN_KEY}")
    shards = range(min(run.shards, MAX_SHARDS_ASKED) if run is not None else 0)
    for some in (shards[:1], shards[1:]):
        keys = tuple(f"{name}/{record_key(shard, 1)}" for shard in some)
        found: list[bytes | None] = yield GetMany(keys)
        for shard, body in zip(some, found, strict=True):
            if body is not None:
                return shard, body
    return None


def _sentence(folder: Storage, runs: Runs, chosen: str) -> str:
    text = f"{len(runs.begun)} runs are at {folder.uri}: this is the youngest, {chosen}"
    if len(runs.begun) == 1:
        text = f"this is run {chosen} at {folder.uri}"
    begun = _TIME.match(runs.begun[chosen])
    if begun is not None:
        text += ", begun {}-{}-{} {}:{}:{} UTC".format(*begun.groups())
    if runs.latest in (None, chosen):
        return f"{text}; name a run's folder to see another"
    kind = "is older" if runs.latest in runs.begun else "has not begun"
    return f"{text}; {runs.latest}, which `latest` names, {kind}"


def _nothing(folder: Storage, runs: Runs) -> str:
    if runs.latest is not None:
        return not_begun(runs.latest, folder)
    text = f"no run has begun at {folder.uri}"
    if "://" not in folder.uri and not Path(folder.uri).exists():
        return f"{text}, which does not exist"
    text += ": it is neither a run folder nor a job's folder with runs in it"
    if not runs.others:
        return text
    shown = ", ".join(runs.others[:MAX_NAMED])
    return f"{text}; below it: {shown}{', ...' if len(runs.others) > MAX_NAMED else ''}"
