"""Has `subprocess` start this interpreter by a fork of a zygote, where that makes no difference.

Knows `subprocess._fork_exec` as Python 3.11 to 3.13 call it.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.zygote.request import Request, send

_BIN = Path(sys.executable).parent
_PR_SET_CHILD_SUBREAPER = 36
_fork_exec = subprocess._fork_exec  # type: ignore[attr-defined]
_lock = threading.Lock()


def use(connection: socket.socket) -> None:
    """From now on, whatever this process starts."""

    def start(*arguments: Any) -> int:
        asked = _request(*arguments)
        if asked is None:
            return int(_fork_exec(*arguments))
        with _lock, _reaper():
            return send(connection, asked)

    subprocess._fork_exec = start  # type: ignore[attr-defined]


def stop_using() -> None:
    """Real processes again."""
    subprocess._fork_exec = _fork_exec  # type: ignore[attr-defined]


@contextmanager
def _reaper() -> Iterator[None]:
    """Be the parent of orphans among our descendants, for as long as a zygote makes one."""
    libc = ctypes.CDLL(None, use_errno=True)
    for on in (1, 0):
        if libc.prctl(_PR_SET_CHILD_SUBREAPER, on, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
        if on:
            yield


def _request(
    arguments: Sequence[Any],
    programs: Sequence[bytes],
    close_others: bool,
    kept: Sequence[int],
    directory: Any,
    environ: Sequence[bytes] | None,
    *rest: Any,
) -> Request | None:
    """What a zygote can do of it, or None."""
    stdin, _, _, stdout, _, stderr, _, report, signals, session, group, *more = rest
    plain = (group, *more[:-1]) == (-1, None, None, None, -1, None)
    if not (plain and close_others and signals):
        return None
    wanted = _environ(environ)
    place = os.fsdecode(directory) if directory is not None else str(Path.cwd())
    program = _program([os.fsdecode(one) for one in arguments], programs, Path(place))
    if program is None or _start(wanted) != _start(dict(os.environ)) or not Path(place).is_dir():
        return None
    kind, main, given, flags = program
    streams = {
        number: number if one < 0 else one for number, one in enumerate((stdin, stdout, stderr))
    }
    held = streams | {number: number for number in kept if number != report}
    return Request(
        kind=kind,
        main=main,
        arguments=tuple(given),
        flags=frozenset(flags),
        environ=wanted,
        directory=place,
        new_session=bool(session),
        ignored=frozenset(n for n in signal.valid_signals() if _is_ignored(n)),
        descriptors=held,
    )


def _is_ignored(number: int) -> bool:
    # subprocess resets these two, and the interpreter ignores them again.
    resets = (signal.SIGPIPE, signal.SIGXFSZ)
    return number not in resets and signal.getsignal(number) == signal.SIG_IGN


def _environ(listed: Sequence[bytes] | None) -> dict[str, str]:
    if listed is None:
        return dict(os.environ)
    pairs = (os.fsdecode(one).partition("=") for one in listed)
    return {name: value for name, _, value in pairs}


def _start(environ: dict[str, str]) -> dict[str, str]:
    """The variables that a zygote has obeyed already."""
    free = ("PYTHONPATH", "PYTHONUNBUFFERED")
    prefixes = ("PYTHON", "LC_", "LANG", "LD_")
    return {k: v for k, v in environ.items() if k.startswith(prefixes) and k not in free}


def _program(
    arguments: list[str], programs: Sequence[bytes], place: Path
) -> tuple[str, str, list[str], list[str]] | None:
    """Kind, script or module or code, its arguments, and the interpreter's flags."""
    if list(programs) == [os.fsencode(_BIN / "batchprocess")]:
        return "script", str(_BIN / "batchprocess"), arguments[1:], []
    if list(programs) != [os.fsencode(sys.executable)]:
        return None
    flags: list[str] = []
    words = arguments[1:]
    while words and words[0] in ("-P", "-u"):
        flags.append(words.pop(0))
    if len(words) > 1 and words[0] in ("-m", "-c"):
        return {"-m": "module", "-c": "code"}[words[0]], words[1], words[2:], flags
    if not words or words[0].startswith("-") or not (place / words[0]).is_file():
        return None
    return "script", words[0], words[1:], flags
