"""Asking a job's code what it would do, in a process of its own."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from batchprocess.agent.processes import resolve, start_failure
from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.cli.job_file import command_of, job_uri
from batchprocess.protocol.dry_run import DryRunAnswer, DryRunFailure, DryRunQuestion
from batchprocess.protocol.errors import BatchProcessError, InvalidArgument, StorageUnavailable
from batchprocess.protocol.exit_codes import ExitCode

_NO_JOB = "00000000T000000Z-plan"
_WAITS = "batchprocess: storage has failed"
"""How a line begins that a person should read while it is true."""
_MAX_LINES, _MAX_LINE = 200, 2_000
_SECONDS_FOR_STDERR = 2.0


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

    Raises InvalidArgument if it does not get there, or not in `seconds`, and StorageUnavailable if
    storage has not answered. Then the traceback of user code is on stderr, unless compare_only.
    """
    environment = worker_environment(job, run_uri=job_uri(job, path) + "/plan", job_id=_NO_JOB)
    environ = {
        **os.environ,
        **environment.model_copy(update={"shard": 0}).to_env(),
        **DryRunQuestion(try_batch=try_batch, run=run, compare_only=compare_only).to_env(),
    }
    done = _run(command_of(job), environ, path.absolute().parent, seconds)
    lines = done.stdout.strip().splitlines()
    if done.code != 0 or not lines:
        raise _failure(done, lines, show=not compare_only)
    try:
        return DryRunAnswer.decode(lines[-1])
    except ValueError as error:
        raise InvalidArgument(
            "the command ended without calling torch_batch_process; its last line was "
            f"{lines[-1]!r:.100}"
        ) from error


class _Done(NamedTuple):
    code: int
    stdout: str
    stderr: Sequence[str]


def _failure(done: _Done, lines: Sequence[str], *, show: bool) -> BatchProcessError:
    told = DryRunFailure.decode(lines[-1]) if lines else None
    if show and (told is None or not told.ours):
        sys.stderr.writelines(done.stderr)
    if told is None:
        said = [line.strip() for line in done.stderr if line.strip()] or ["no output"]
        return InvalidArgument(f"the job's code ended with exit code {done.code}: {said[-1]}")
    if told.code == ExitCode.STORAGE:
        return StorageUnavailable(told.failed)
    return InvalidArgument(told.failed)


def _run(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, seconds: float | None
) -> _Done:
    reading, writing = os.pipe()
    kept: deque[str] = deque(maxlen=_MAX_LINES)
    listener = Thread(target=_listen, args=(reading, kept), daemon=True)
    listener.start()
    try:
        done = subprocess.run(
            resolve(command),
            env=environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=writing,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
        )
    except OSError as error:
        raise InvalidArgument(start_failure(command, error)[1]) from error
    except subprocess.TimeoutExpired as error:
        raise InvalidArgument(f"the job's code did not begin within {seconds:.0f} s") from error
    finally:
        os.close(writing)
    # What it has started may hold the pipe: what it has said itself is read by then.
    listener.join(_SECONDS_FOR_STDERR)
    return _Done(done.returncode, done.stdout, tuple(kept))


def _listen(reading: int, kept: "deque[str]") -> None:
    """Keep the last lines, and show those that say what is waited for."""
    with os.fdopen(reading, errors="replace") as pipe:
        while line := pipe.readline(_MAX_LINE):
            kept.append(line)
            if line.startswith(_WAITS):
                sys.stderr.write(line)
