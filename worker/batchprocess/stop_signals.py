"""The signals that ask a process to stop, and what becomes of its terminal at a hang-up."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], None]


def requested() -> tuple[signal.Signals, ...]:
    """Those that mean a stop here: under `nohup` a closed terminal does not."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return tuple(one for one in STOP_SIGNALS if not (ignored and one is signal.SIGHUP))


@contextlib.contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Have `handler` called at each; after the block the caller's own handlers are back.

    Python handles signals in the main thread only: elsewhere this does nothing. A handler that was
    set within the block stays.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminals = [one for one in (0, 1, 2) if _is_terminal(one)]

    def handle(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _let_go_of(terminals)
        handler(number, frame)

    before = {number: signal.signal(number, handle) for number in requested()}
    try:
        yield
    finally:
        for number, own in before.items():
            if signal.getsignal(number) is handle:
                # None is a handler that was not set by Python, and cannot be by Python again.
                signal.signal(number, signal.SIG_DFL if own is None else own)


def _let_go_of(terminals: Sequence[int]) -> None:
    """What is written to a terminal that is gone is lost; it is no error of whoever writes."""
    for descriptor in terminals:
        if not _is_terminal(descriptor):
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _is_terminal(descriptor: int) -> bool:
    return os.isatty(descriptor)
