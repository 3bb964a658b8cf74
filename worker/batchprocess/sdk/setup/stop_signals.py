"""SIGINT and SIGTERM as requests to stop, for a script that no agent can ask."""

import logging
import signal
import threading
from collections.abc import Callable

from batchprocess.sdk.report.agent_link import LoopState

_LOG = logging.getLogger("batchprocess")


def stop_on_signals(state: LoopState) -> Callable[[], None]:
    """Commit and stop at the first signal, end at once at the second.

    What is returned restores the handlers that were there before. Python handles signals in the
    main thread only: elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None

    def stop(number: int, _frame: object) -> None:
        if state.stop:
            signal.default_int_handler(number, None)
        state.stop = True
        _LOG.warning("stopping after this batch; once more to stop at once")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            # None was not set by Python; what user code has set meanwhile is its own.
            if handler is not None and signal.getsignal(number) is stop:
                signal.signal(number, handler)

    return restore


def is_of_person(error: BaseException, state: LoopState, *, alone: bool) -> bool:
    """Whether `error` is a Ctrl-C: the second one, or one that Python itself has made an error of.

    What else raises KeyboardInterrupt is user code.
    """
    if not (alone and isinstance(error, KeyboardInterrupt)):
        return False
    if threading.current_thread() is not threading.main_thread():
        return False
    return state.stop or signal.getsignal(signal.SIGINT) is signal.default_int_handler
