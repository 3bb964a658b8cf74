"""SIGINT, SIGTERM and SIGHUP as requests to stop, for a script that no agent can ask."""

import logging
import signal
import threading
from contextlib import AbstractContextManager

from batchprocess.sdk.report.agent_link import LoopState
from batchprocess.stop_signals import handled_by

_LOG = logging.getLogger("batchprocess")


def stop_on_signals(state: LoopState) -> AbstractContextManager[None]:
    """Within the block: commit and stop at the first signal, end at once at the second.

    The caller's handlers are back after it. A closed terminal may send SIGHUP twice, and means one.
    """

    def stop(number: int, _frame: object) -> None:
        if not state.stop:
            state.stop = True
            _LOG.warning("stopping after this batch; once more to stop at once")
        elif number != signal.SIGHUP:
            signal.default_int_handler(number, None)

    return handled_by(stop)


def is_of_person(error: BaseException, state: LoopState, *, alone: bool) -> bool:
    """Whether `error` is a Ctrl-C: the second one, or one that Python itself has made an error of.

    What else raises KeyboardInterrupt is user code.
    """
    if not (alone and isinstance(error, KeyboardInterrupt)):
        return False
    if threading.current_thread() is not threading.main_thread():
        return False
    return state.stop or signal.getsignal(signal.SIGINT) is signal.default_int_handler
