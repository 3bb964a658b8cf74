"""Runs by the command line that are killed, with all their processes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from batchprocess.protocol.bad_rows import BadRow
from support.skipping_runs import bad_rows
from support.zygote.processes import forked

COMMAND = [str(Path(sys.executable).parent / "batchprocess"), "run", "job.yaml"]


def run_folder(folder: Path) -> Path:
    (run,) = {path.parents[1] for path in folder.glob("batchprocess-runs/*/*/ledger/00000")}
    return run


def bad_rows_of(folder: Path) -> list[BadRow]:
    """Of the run in that folder."""
    return bad_rows(run_folder(folder))


def run_and_kill(folder: Path, seconds: float) -> bool:
    """Whether the run, with all its processes, was killed before its end."""
    with forked():
        process = subprocess.Popen(
            COMMAND, cwd=folder, start_new_session=True, stderr=subprocess.PIPE, text=True
        )
    with contextlib.suppress(subprocess.TimeoutExpired):
        _, told = process.communicate(timeout=seconds)
        assert process.returncode == 0, told
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return True


def run(folder: Path) -> float:
    """Seconds that it took: a run like it is to be killed before so many."""
    begun = time.monotonic()
    with forked():
        done = subprocess.run(
            COMMAND, cwd=folder, capture_output=True, text=True, timeout=300, check=False
        )
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun


def copied(folder: Path, name: str) -> Path:
    to = folder.parent / name
    shutil.copytree(folder, to)
    return to
