"""Where this process stands: which run, which shard of how many, under an agent or alone."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from batchprocess.ledger.finalize import finished
from batchprocess.ledger.run import ANOTHER
from batchprocess.protocol.environment import WorkerEnvironment, is_worker
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.file_names import DEFAULT_OUTPUT
from batchprocess.protocol.variables import OUTPUT, SCRATCH
from batchprocess.runs.local_runs import latest_run, new_job_id, next_run
from batchprocess.runs.patience import ATTENDED
from batchprocess.runs.perform import perform
from batchprocess.sdk.setup.launcher import launched_at, local_rank, rank_by_launcher
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage, refuse_unknown


class DistributedContext(Protocol):
    """What `distributed_context` must offer; Determined's does."""

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""

    @property
    def size(self) -> int:
        """Number of processes."""


@dataclass(frozen=True)
class Placement:
    """The job's settings, and our shard in it. `alone`: no agent, so we finalize ourselves.

    `gpu`: number among the GPUs that we see; not 0 only where a launcher shows all to every rank.
    `scratch`: where temporary files go, None for the system's own place. `storage`: the run's.
    """

    environment: WorkerEnvironment
    storage: Storage
    shard: int
    alone: bool
    gpu: int = 0
    scratch: Path | None = None

    @property
    def how_to_start_another(self) -> str:
        """How a person starts another run; a script alone has no options."""
        return f"set {OUTPUT} to another folder" if self.alone else ANOTHER


def find_placement(
    environ: Mapping[str, str], context: DistributedContext | None, script: Path | None
) -> Placement:
    """From our environment, `distributed_context`, a launcher's RANK and WORLD_SIZE, or 0 of 1.

    `script` is the file of `__main__`; its stem names the job when it runs alone. Raises
    InvalidArgument when two sources disagree.
    """
    if is_worker(environ):
        environment = WorkerEnvironment.from_env(environ)
        shard = environment.shard if environment.shard is not None else environment.index
        _require_agreement((shard, environment.shards), context)
        scratch = Path(environ[SCRATCH]) if SCRATCH in environ else None
        storage = open_storage(environment.run_uri, environment.s3)
        return Placement(environment, storage, shard, alone=False, scratch=scratch)
    rank, size = rank_by_launcher(environ) or _rank_and_size(context) or (0, 1)
    _require_agreement((rank, size), context)
    environment, storage = _standalone_run(environ, size, script)
    return Placement(environment, storage, rank, alone=True, gpu=local_rank(environ))


def _rank_and_size(context: DistributedContext | None) -> tuple[int, int] | None:
    return None if context is None else (context.rank, context.size)


def _require_agreement(ours: tuple[int, int], context: DistributedContext | None) -> None:
    theirs = _rank_and_size(context)
    if theirs is not None and theirs != ours:
        raise InvalidArgument(
            f"this process is {ours[0]} of {ours[1]} by its environment, but distributed_context "
            f"says {theirs[0]} of {theirs[1]}: leave distributed_context out"
        )


def _standalone_run(
    environ: Mapping[str, str], size: int, script: Path | None
) -> tuple[WorkerEnvironment, Storage]:
    output = environ.get(OUTPUT, DEFAULT_OUTPUT)
    name = script.stem if script is not None else "interactive"
    refuse_unknown(output)
    root = output if "://" in output else str(Path(output).expanduser().absolute())
    job_folder = open_storage(f"{root.rstrip('/')}/{name}")
    run_id = _run_id(job_folder, launched_at(environ))
    # The folder's client is the run's: making another one for S3 takes a tenth of a second.
    storage = job_folder.at(run_id)
    environment = WorkerEnvironment(
        job=new_job_id(storage, size, datetime.now(UTC)),
        job_name=name,
        run_uri=f"{root.rstrip('/')}/{name}/{run_id}",
        shards=size,
    )
    return environment, storage


def _run_id(job_folder: Storage, launched: datetime | None) -> str:
    """The latest run if it is incomplete, else the one after it; ranks of a launcher agree.

    A rank that comes late, or once more, is of the run that the others have finished meanwhile.
    """
    latest = latest_run(job_folder)
    if latest is not None:
        summary = perform(finished(), job_folder.at(latest), ATTENDED)
        if summary is None:
            return latest
        if launched is not None and datetime.fromisoformat(summary.finishedAt) > launched:
            return latest
    return next_run(job_folder, latest, datetime.now(UTC))


def is_interactive() -> bool:
    """Whether a person types: Python's prompt, IPython, a notebook."""
    return hasattr(sys, "ps1")


def main_script() -> Path | None:
    """The file of `__main__`, None in an interactive session."""
    import __main__

    file = getattr(__main__, "__file__", None)
    return None if file is None else Path(os.fspath(file))
