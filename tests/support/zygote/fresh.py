"""Makes a forked process what a new interpreter would be, and runs its program."""

import atexit
import fcntl
import importlib
import io
import os
import random
import runpy
import signal
import sys
import tempfile
import threading
import types
from collections.abc import Mapping
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, NoReturn

from support.zygote.request import Request

_KEPT: list[Any] = []


def arrange(descriptors: Mapping[int, int]) -> None:
    """Open exactly `descriptors`, the numbers wanted by those that they are open under now."""
    open_now = [int(one.name) for one in Path("/proc/self/fd").iterdir()]
    above = max(*open_now, *descriptors) + 1
    moved = {
        wanted: fcntl.fcntl(now, fcntl.F_DUPFD_CLOEXEC, above)
        for wanted, now in descriptors.items()
    }
    os.closerange(0, above)
    for wanted, now in moved.items():
        os.dup2(now, wanted)
        os.close(now)


def reset_signals(ignored: frozenset[int]) -> None:
    """As an interpreter sets them that was born to ignore some."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
    if signal.SIGINT not in ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)


def renew(request: Request, path: list[str]) -> None:
    """All else that a start sets, but for what is imported; `path` is an untouched sys.path."""
    arrange(request.descriptors)
    if request.new_session:
        os.setsid()
    os.chdir(request.directory)
    os.environ.clear()
    os.environ.update(request.environ)
    sys.path[:] = [*request.environ.get("PYTHONPATH", "").split(":"), *path]
    if not request.environ.get("PYTHONPATH"):
        del sys.path[0]
    importlib.invalidate_caches()
    tempfile.tempdir = None
    random.seed()
    _open_streams(unbuffered="-u" in request.flags or bool(request.environ.get("PYTHONUNBUFFERED")))


def _open_streams(*, unbuffered: bool) -> None:
    # The zygote's own streams must not be closed: their numbers are others' now.
    _KEPT.extend((sys.stdin, sys.stdout, sys.stderr))
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(  # type: ignore[misc]
        io.BufferedReader(io.FileIO(0, closefd=False)), sys.stdin.encoding, sys.stdin.errors
    )
    for number, name, errors in (
        (1, "stdout", sys.stdout.errors),
        (2, "stderr", "backslashreplace"),
    ):
        raw = io.FileIO(number, "w", closefd=False)
        stream = io.TextIOWrapper(
            raw if unbuffered else io.BufferedWriter(raw),  # type: ignore[arg-type]
            encoding=sys.stdout.encoding,
            errors=errors,
            newline="\n",
            line_buffering=not unbuffered and (number == 2 or raw.isatty()),
            write_through=unbuffered,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def run(request: Request) -> NoReturn:
    """Run the program as `__main__`, and end the process as the interpreter would."""
    status, interrupted = 0, False
    try:
        _main(request)
    except SystemExit as end:
        status = _status(end.code)
    except BaseException as error:
        interrupted, status = isinstance(error, KeyboardInterrupt), 1
        shown = error.with_traceback(_without_ours(error.__traceback__))
        sys.excepthook(type(shown), shown, shown.__traceback__)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            try:
                stream.flush()
            except (OSError, ValueError):
                status = 120
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(status)


def _main(request: Request) -> None:
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = sys.modules["builtins"]
    sys.modules["__main__"] = main
    sys.argv = [request.main, *request.arguments]
    if "-P" not in request.flags:
        sys.path.insert(0, _first(request))
    match request.kind:
        case "module":
            runpy._run_module_as_main(request.main)  # type: ignore[attr-defined]
        case "code":
            sys.argv[0] = "-c"
            exec(compile(request.main, "<string>", "exec"), main.__dict__)
        case _:
            file = str(Path.cwd() / request.main)
            main.__dict__.update(__file__=file, __cached__=None)
            main.__loader__ = SourceFileLoader("__main__", file)
            exec(compile(Path(file).read_bytes(), file, "exec"), main.__dict__)


def _first(request: Request) -> str:
    """Where modules of the program's own are looked for before all others."""
    match request.kind:
        case "module":
            return str(Path.cwd())
        case "code":
            return ""
        case _:
            return str(Path(request.main).resolve().parent)


def _status(code: Any) -> int:
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


def _without_ours(trace: types.TracebackType | None) -> types.TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace
