"""Asking a job's code what it would do, in a process of its own."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from batchprocess.agent.processes import resolve, start_failure
from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.cli.job_file import command_of, job_uri
from batchprocess.protocol.dry_run import DryRunAnswer, DryRunQuestion
from batchprocess.protocol.errors import InvalidArgument

_NO_JOB = "00000000T000000Z-plan"


def count(
    job: BatchProcessJob,
    path: Path,
    *,
    try_batch: bool = False,
    seconds: float | None = None,
    run: str | None = None,
    compare_only: bool = False,
) -> DryRunAnswer:
    """Run the user's code in a process of its own up to where it would begin: what it counted.

    run: address of a run, whose input is compared with what is there now. compare_only: the input
    need not be shown.

    Raises InvalidArgument if it does not get there, or not in `seconds`.
    """
    environment = worker_environment(job, run_uri=job_uri(job, path) + "/plan", job_id=_NO_JOB)
    environ = {
        **os.environ,
        **environment.model_copy(update={"shard": 0}).to_env(),
        **DryRunQuestion(try_batch=try_batch, run=run, compare_only=compare_only).to_env(),
    }
    done = _run(command_of(job), environ, path.absolute().parent, seconds)
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        said = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise InvalidArgument(f"the job's code ended with exit code {done.returncode}: {said}")
    try:
        return DryRunAnswer.decode(lines[-1])
    except ValueError as error:
        raise InvalidArgument(
            "the command ended without calling torch_batch_process; its last line was "
            f"{lines[-1]!r:.100}"
        ) from error


def _run(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, seconds: float | None
) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            resolve(command),
            env=environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
        )
    except OSError as error:
        raise InvalidArgument(start_failure(command, error)[1]) from error
    except subprocess.TimeoutExpired as error:
        raise InvalidArgument(f"the job's code did not begin within {seconds:.0f} s") from error
