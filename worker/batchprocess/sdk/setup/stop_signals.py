"""SIGINT and SIGTERM as requests to stop, for a script that no agent can ask."""

import logging
import signal
import threading

from batchprocess.sdk.report.agent_link import LoopState

_LOG = logging.getLogger("batchprocess")


def stop_on_signals(state: LoopState) -> None:
    """Commit and stop at the first signal, end at once at the second.

    Python handles signals in the main thread only: elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def stop(number: int, _frame: object) -> None:
        if state.stop:
            signal.default_int_handler(number, None)
        state.stop = True
        _LOG.warning("stopping after this batch; once more to stop at once")

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
