"""Processes of the user: started in sessions of their own, ended with all that they started."""

import contextlib
import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchprocess.protocol.bad_rows.isolation import MAX_BYTES
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.variables import CONTROL_FD, SCRATCH, SHARD

_NEVER = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ENOEXEC, errno.ELOOP, errno.E2BIG}


@dataclass
class Child:
    """A running child: its process, our end of its control socket, its temporary files."""

    shard: int
    process: "subprocess.Popen[bytes]"
    connection: socket.socket
    scratch: Path

    def end(self) -> None:
        """Kill what is left of its session, and remove what it could not."""
        kill_session(self.process.pid)
        shutil.rmtree(self.scratch, ignore_errors=True)


def start(
    shard: int, command: Sequence[str], environ: Mapping[str, str], order: bytes = b""
) -> Child:
    """Start `command` for one shard; `order` is there on its socket before it begins.

    Raises OSError if it cannot be executed, or if there is no temporary folder. A session of its
    own keeps the terminal's Ctrl-C and the pod's signals away from it; the control socket is
    inherited also through a shell.
    """
    scratch = Path(tempfile.mkdtemp(prefix="batchprocess-", dir=environ.get(SCRATCH)))
    ours, theirs = socket.socketpair()
    environment = {
        **environ,
        SHARD: str(shard),
        CONTROL_FD: str(theirs.fileno()),
        SCRATCH: str(scratch),
        "PYTHONUNBUFFERED": environ.get("PYTHONUNBUFFERED", "1"),
    }
    try:
        ours.setblocking(False)
        if order:
            _send_ahead(ours, theirs, order)
        process = subprocess.Popen(
            resolve(command),
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[theirs.fileno()],
        )
    except OSError:
        ours.close()
        scratch.rmdir()
        raise
    finally:
        # The child's end must live in the child alone, or its death would not end the stream.
        theirs.close()
    return Child(shard, process, ours, scratch)


def _send_ahead(ours: socket.socket, theirs: socket.socket, order: bytes) -> None:
    # By default a socket of macOS holds less than an order may have.
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_BYTES)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * MAX_BYTES)
    if ours.send(order) != len(order):
        raise BlockingIOError(errno.EAGAIN, "the control socket holds too little")


def start_failure(command: Sequence[str], error: OSError) -> tuple[ExitCode, str]:
    """What it means that `start` failed. A machine that is full for now names no file."""
    never = error.errno in _NEVER and error.filename is not None
    code = ExitCode.CANNOT_WORK if never else ExitCode.OTHER
    return code, f"the command {command[0]!r} cannot be started: {error}"


def resolve(command: Sequence[str]) -> list[str]:
    """`python` and `python3` as first word mean the interpreter that runs us."""
    if command and command[0] in ("python", "python3"):
        return [sys.executable, *command[1:]]
    return list(command)


_TAKES_A_VALUE = ("-W", "-X", "--check-hash-based-pycs")


def missing_script(command: Sequence[str], directory: Path) -> Path | None:
    """The file that an interpreter is to run, if it is not there: it says so in the log only."""
    if not command or not Path(command[0]).name.startswith("python"):
        return None
    words = iter(command[1:])
    for word in words:
        if word.startswith(("-c", "-m")) or word == "-":
            return None
        if word in _TAKES_A_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            script = directory / word
            return None if script.exists() else script
    return None


def gpus_of(number: int, each: int, environ: Mapping[str, str]) -> dict[str, str]:
    """What child `number` of several sees: `each` of the inherited GPUs, behind those before it."""
    visible = [one for one in environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
    mine = range(number * each, (number + 1) * each)
    devices = (visible[gpu] if gpu < len(visible) else str(gpu) for gpu in mine)
    return {"CUDA_VISIBLE_DEVICES": ",".join(devices)}


def kill_session(leader: int, proc: Path = Path("/proc")) -> None:
    """SIGKILL everything in the session: data loader workers and shells' children too.

    Where nobody lists processes (macOS), everything in the leader's group.
    """
    if not proc.is_dir():
        # macOS refuses to kill a group of which none is left but the dead leader.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
        return
    for pid in _members(leader, proc):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _members(leader: int, proc: Path) -> Iterator[int]:
    for entry in proc.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            # The name may hold spaces and brackets; what follows the last bracket is plain.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            yield int(entry.name)
