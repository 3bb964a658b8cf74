"""An index from a process of its own, in a temporary folder that ends with this process."""

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from batchprocess.data.index.progress import Tell, tell_nobody
from batchprocess.data.index.wanted import Wanted
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.protocol import errors
from batchprocess.runs.scratch_folder import Scratch

_FAR = b'{"indexed": '


class Question(BaseModel):
    """What the process is asked for; `run`: None outside of one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wanted: Wanted
    run: RunOfInput | None = None


def indexed(wanted: Wanted, run: RunOfInput | None = None, tell: Tell = tell_nobody) -> Path:
    """The folder of its index. Raises InvalidArgument, InputChanged or a StorageError.

    tell: is told how far it is, in this thread. In a run also UnsafeStorage, and ShardSealed where
    nothing is left to read.
    """
    scratch = Scratch.make()
    atexit.register(scratch.remove)
    folder = scratch.folder / "index"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "batchprocess.data.index", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    with process:
        try:
            said = _ask(process, Question(wanted=wanted, run=run), tell)
        except BaseException:
            process.kill()
            raise
    _raise_if_failed(said, process.returncode)
    return folder


def _ask(process: "subprocess.Popen[bytes]", question: Question, tell: Tell) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process was started without pipes")
    process.stdin.write(question.model_dump_json().encode() + b"\n")
    process.stdin.flush()
    last = b""
    for line in process.stdout:
        last = line
        if line.startswith(_FAR):
            far = json.loads(line)
            tell(far["indexed"], far["to_index"])
    process.wait()
    return b"" if last.startswith(_FAR) else last


def _raise_if_failed(said: bytes, code: int) -> None:
    if code == 0:
        return
    if not said.strip():
        raise errors.BatchProcessError(
            f"the process that lists and counts the input ended with {code}: its log is above"
        )
    told = json.loads(said)
    kind = getattr(errors, told["error"], errors.BatchProcessError)
    raise kind(told["message"])
