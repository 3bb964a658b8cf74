"""The signals that ask a process to stop, and what becomes of its terminal at a hang-up."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

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
    set within the block stays. In what is forked within it SIGTERM means what it meant before: who
    ends such a process, as `multiprocessing.Pool` does, waits for its end. A Ctrl-C reaches all of
    a terminal, and they may have work to finish.
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
    _for_children.append((handle, before[signal.SIGTERM]))
    try:
        yield
    finally:
        _for_children.pop()
        for number, own in before.items():
            if signal.getsignal(number) is handle:
                _give_back(number, own)


def outlive(*, sigterm: bool) -> None:
    """Have this process live on at each: whoever it works for is asked too, and ends it.

    A terminal and batch systems ask all processes of a group. sigterm: whether SIGTERM is one, and
    it is ended by other means; what it forks or starts ends by it as ever.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sigterm:
        _for_children.append((_stay, signal.signal(signal.SIGTERM, _stay)))


def _stay(_number: int, _frame: FrameType | None) -> None:
    pass


_for_children: list[tuple[Handler, Any]] = []
"""Handlers of the blocks that go on, and what SIGTERM meant before each."""
_mask = threading.local()


def _hold_sigterm() -> None:
    """One that comes to a child before it has its handler back would be lost: it waits."""
    _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _let_sigterm_come() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _mask.before)


def _give_back_in_child() -> None:
    for handle, own in reversed(_for_children):
        if signal.getsignal(signal.SIGTERM) is handle:
            _give_back(signal.SIGTERM, own)
    _let_sigterm_come()


os.register_at_fork(
    before=_hold_sigterm,
    after_in_parent=_let_sigterm_come,
    after_in_child=_give_back_in_child,
)


def _give_back(number: int, own: Any) -> None:
    """To the handler before; None is one that Python has not set, and cannot set again."""
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
