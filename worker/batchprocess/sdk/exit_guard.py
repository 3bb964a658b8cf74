"""Ends a process whose script has ended, if it does not end by itself.

A thread of user code that never ends, an exit handler that hangs or a process that does not stop
would hold a finished shard until the agent takes it for stalled, and a script alone for ever.
"""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.util import Finalize
from typing import NoReturn, TypeAlias

_Status: TypeAlias = str | int | None
SECONDS = 4.0
WORKER_SECONDS = 2.0
_LAST_ACTS_SECONDS = 2.0
_OUR_THREADS = "batchprocess-"


def end_soon_after_script(
    code: int, *, at_end: Callable[[], None], tidy: Callable[[], None]
) -> None:
    """Have this process end `SECONDS` after its script, with the exit code that it was to have.

    code: how the call of ours has ended; what an exception or `sys.exit()` after it says counts
    more. at_end: called when the script has ended. tidy: called before the process is ended by
    force, when exit handlers do not run.
    """
    first = not _guards
    _guards[:] = [_Guard(os.getpid(), code, at_end, tidy)]
    if not first:
        return
    sys.exit = _noting(sys.exit)  # type: ignore[assignment]
    try:
        # Before threads are waited for: what `atexit` has is called after them.
        threading._register_atexit(_begin)  # type: ignore[attr-defined]
    except RuntimeError:  # the script has ended before the call, which was in a thread
        _begin()


def end_with_failure() -> None:
    """End this process by force, for an error that Python itself has forgotten, and never with 0.

    Returns if the main thread has raised an error, which Python does not forget.
    """
    if not _guards:
        _flush()
        os._exit(1)
    if not _guards[-1].has_failed_since():
        _guards[-1].tidy_up()
        os._exit(_guards[-1].code or 1)


def end_soon_after_worker() -> None:
    """Have this worker of a data loader end soon after its last batch, by force with code 0."""
    Finalize(None, _start_timer, exitpriority=1_000)


def _start_timer() -> None:
    timer = threading.Timer(WORKER_SECONDS, os._exit, (0,))
    timer.daemon = True
    timer.start()


@dataclass
class _Guard:
    process: int
    code: int
    at_end: Callable[[], None]
    tidy: Callable[[], None]
    failed_before: BaseException | None = field(
        default_factory=lambda: getattr(sys, "last_value", None)
    )

    def begin(self) -> None:
        """The script has ended, and threads will be waited for."""
        if os.getpid() == self.process:  # not in what user code has forked
            self.at_end()
            threading.Thread(target=self._end, name="batchprocess-end", daemon=True).start()

    def _end(self) -> None:
        time.sleep(SECONDS)
        last = threading.Thread(target=self._last_acts, daemon=True)
        last.start()
        last.join(_LAST_ACTS_SECONDS)
        os._exit(1 if self.has_failed_since() else self.code)

    def has_failed_since(self) -> bool:
        """Whether the main thread has raised what nobody caught."""
        return getattr(sys, "last_value", None) is not self.failed_before

    def _last_acts(self) -> None:
        left = [one.name for one in threading.enumerate() if not one.daemon]
        left.remove(threading.main_thread().name)
        theirs = [name for name in left if not name.startswith(_OUR_THREADS)]
        if theirs or not left:
            _say_what_is_left(theirs)
        self.tidy_up()

    def tidy_up(self) -> None:
        """What exit handlers would do."""
        for child in multiprocessing.active_children():
            if child.daemon:  # Python would wait for it; others outlive the script
                child.kill()
        self.tidy()
        _flush()


def _say_what_is_left(threads: list[str]) -> None:
    still = (
        ", ".join(f"thread {name!r}" for name in threads) or "an exit handler or a process of its"
    )
    print(  # noqa: T201  loggers may be shut down already
        f"batchprocess: the script has ended, {still} has not: not waited for any longer (what "
        "must be done is done in on_finish)",
        file=sys.stderr,
    )


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()


_guards: list[_Guard] = []
"""One at most, of the last call."""


def _begin() -> None:
    _guards[-1].begin()


def _noting(ends: Callable[[_Status], NoReturn]) -> Callable[[_Status], NoReturn]:
    """`sys.exit`, whose code cannot be asked for once the interpreter ends."""

    def exit(status: _Status = None, /) -> NoReturn:  # noqa: A001  the name that it stands for
        _guards[-1].code = _as_exit_code(status)
        ends(status)

    return exit


def _as_exit_code(status: _Status) -> int:
    if status is None:
        return 0
    return status & 0xFF if isinstance(status, int) else 1
