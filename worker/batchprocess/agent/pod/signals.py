"""Signals to PID 1, as a flag and as something that a selector wakes up for."""

import contextlib
import os
import selectors
import signal
import socket
from collections.abc import Callable, Iterator

from batchprocess.stop_signals import requested


@contextlib.contextmanager
def stop_signals(selector: selectors.BaseSelector) -> Iterator[Callable[[], bool]]:
    """Whether SIGTERM, SIGINT or SIGHUP has come; they and a child's end wake the selector.

    Its key for that has no data; `drain` empties it.
    """
    seen: list[int] = []
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    selector.register(reader, selectors.EVENT_READ)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    for number in requested():
        signal.signal(number, lambda got, _frame: seen.append(got))
    # A child's end must wake us too.
    signal.signal(signal.SIGCHLD, lambda _got, _frame: None)
    try:
        yield lambda: bool(seen)
    finally:
        signal.set_wakeup_fd(-1)
        selector.unregister(reader)
        reader.close()
        writer.close()


def drain(descriptor: int) -> None:
    """Empty the pipe of wake-ups: what they are about is seen elsewhere."""
    with contextlib.suppress(BlockingIOError):
        os.read(descriptor, 512)
