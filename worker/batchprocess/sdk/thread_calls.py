"""A call outside the main thread: its script does not end with 0 before its seal either.

Python ends a daemonic thread with the main one, shuts executors down while other threads still
need them, and forgets whatever a thread has raised: none of it reaches the exit code.
"""

import atexit
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from batchprocess.sdk.exit_guard import end_with_failure


@contextmanager
def counted_in_exit_code() -> Iterator[None]:
    """Around a call: what becomes of it counts for the process, whichever thread it is made in.

    Raises RuntimeError if the main thread has ended already: Python is shutting down then.
    """
    thread = threading.current_thread()
    if thread is threading.main_thread():
        yield
        return
    call = _Call(os.getpid(), thread.name, waits=not thread.daemon)
    atexit.register(call.at_exit)
    try:
        call.hold_executors()
        yield
        call.succeeded = True
    finally:
        call.ended.set()


@dataclass
class _Call:
    process: int
    thread: str
    waits: bool
    succeeded: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def hold_executors(self) -> None:
        """Until the call has ended: it uses threads of them, and they are told to end first."""
        try:
            threading._register_atexit(self._main_has_ended)  # type: ignore[attr-defined]
        except RuntimeError:
            raise RuntimeError(
                "torch_batch_process was called after the main thread had ended: have it wait for "
                f"thread {self.thread!r} (join)"
            ) from None

    def _main_has_ended(self) -> None:
        # Python waits later, and for no daemonic thread.
        if os.getpid() == self.process and self.waits:
            self.ended.wait()

    def at_exit(self) -> None:
        """All threads that are waited for have ended."""
        if os.getpid() != self.process or self.succeeded:  # forked by user code
            return
        what = (
            f"torch_batch_process has failed in thread {self.thread!r}"
            if self.ended.is_set()
            else "the script has ended while torch_batch_process was at work in the daemonic "
            f"thread {self.thread!r}: what is committed stays; start it again, and have the main "
            "thread wait for it (join)"
        )
        # Loggers may be shut down already.
        print(f"batchprocess: {what}", file=sys.stderr, flush=True)  # noqa: T201
        end_with_failure()
