"""Runs of the digits job under a zygote, and what must hold of them afterwards."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from batchprocess.ledger.finalize import finished
from batchprocess.protocol.environment import S3Settings, WorkerEnvironment
from batchprocess.protocol.variables import SCRATCH
from batchprocess.runs.perform import perform
from batchprocess.runs.results import results
from batchprocess.storage.factory import open_storage

HERE = Path(__file__).parent
DIGITS = HERE.parents[2] / "examples" / "digits"
SHARDS, INTERVAL, BATCH_SIZE = 4, 3, 4


@dataclass(frozen=True)
class Chaos:
    """How rough the cluster is; `lifetime` in seconds bounds an attempt's life while it lasts.

    `delay` seconds are added to every batch, so that kills meet more than starts. With `window` so
    many batches are coroutines that run side by side, and each takes another time.
    """

    kills: int = 0
    lifetime: float = 0.6
    delay: float = 0.0
    window: int | None = None
    freeze_share: float = 0.0
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """What a run did: counts from the zygote, processed batches by shard and attempt."""

    killed: int
    frozen: int
    codes: Mapping[str, int]
    attempts: Mapping[int, list[list[int]]]
    summary: Mapping[str, Any]


def run(uri: str, s3: S3Settings, env: Mapping[str, str], folder: Path, chaos: Chaos) -> Outcome:
    """Process the digits into `uri` under `chaos`, finalize, and say what happened."""
    environment = WorkerEnvironment(
        job="20260101T000000Z-campaign",
        job_name="digits",
        run_uri=uri,
        shards=SHARDS,
        batch_size=BATCH_SIZE,
        checkpoint_interval=INTERVAL,
        s3=s3,
        storage_deadline_seconds=120,
        max_attempts_without_progress=None,
        processor="inference:InferenceProcessor",
        dataset="inference:dataset",
    )
    # Killed workers leave temporary files; the agents that would remove them are not played here.
    (folder / "scratch").mkdir()
    everything = {**os.environ, **env, **environment.to_env(), SCRATCH: str(folder / "scratch")}
    log = folder / "processed.log"
    spec = {
        "env": environment.to_env(),
        "log": str(log),
        "source": str(DIGITS),
        "shards": SHARDS,
        "parallel": 2,
        **chaos.__dict__,
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    shown = _python([str(HERE / "zygote.py"), str(folder / "spec.json")], everything)
    _python(
        ["-m", "batchprocess.agent", "--finalize", "--", sys.executable, "-m", "batchprocess.sdk"],
        {**everything, "BATCHPROCESS_ROLE": "finalize"},
    )
    counts = json.loads(shown.splitlines()[-1])
    summary = perform(finished(), open_storage(uri, s3))
    assert summary is not None, f"{uri} is not final"
    return Outcome(**counts, attempts=_attempts(log), summary=summary.model_dump())


def rows(uri: str, s3: S3Settings) -> bytes:
    """The run's output: the rows of all committed files, in dataset order."""
    return b"".join(one.read() for one in results(uri, s3))


def most_repeated(outcome: Outcome) -> int:
    """The most batches that any attempt did again after its predecessor on the shard."""
    return max(
        (
            max(before) + 1 - min(after)
            for attempts in outcome.attempts.values()
            for before, after in pairwise(attempts)
        ),
        default=0,
    )


def _python(arguments: list[str], env: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        env=dict(env),
        cwd=DIGITS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _attempts(log: Path) -> dict[int, list[list[int]]]:
    """Batches by shard and attempt, in the order of each attempt's first batch."""
    found: dict[int, dict[int, list[int]]] = defaultdict(dict)
    for line in log.read_text().splitlines():
        shard, pid, batch = map(int, line.split())
        found[shard].setdefault(pid, []).append(batch)
    return {shard: list(by_pid.values()) for shard, by_pid in found.items()}
