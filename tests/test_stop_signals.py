"""Which signals are a stop, for how long, and what a closed terminal does to who writes to it."""

import os
import pty
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from batchprocess.stop_signals import STOP_SIGNALS, handled_by, requested


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in STOP_SIGNALS]


@pytest.mark.parametrize("raises", [False, True])
def test_the_callers_handlers_are_back_however_the_block_ends(raises: bool) -> None:
    before, seen = handlers(), []
    with suppress(IndexError), handled_by(lambda number, _: seen.append(number)):
        for number in STOP_SIGNALS:
            os.kill(os.getpid(), number)
        if raises:
            raise IndexError
    assert (seen, handlers()) == (list(STOP_SIGNALS), before)


def test_a_handler_that_was_set_within_the_block_stays() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        with handled_by(lambda *_: None):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_process_that_was_forked_within_the_block_ends_by_sigterm() -> None:
    with handled_by(lambda *_: None):
        child = os.fork()
        if not child:
            signal.pause()
            os._exit(0)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM


def test_under_nohup_a_closed_terminal_is_no_stop() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert set(requested()) == {signal.SIGTERM, signal.SIGINT}
        with handled_by(lambda *_: pytest.fail("stopped")):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_beside_the_main_thread_nothing_is_handled() -> None:
    before, within = handlers(), []

    def run() -> None:
        with handled_by(lambda *_: None):
            within.extend(handlers())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert within == before


WRITES = """
import fcntl, os, sys, termios
from batchprocess.stop_signals import handled_by
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
out, stopped = int(sys.argv[1]), []
with handled_by(lambda number, _: stopped.append(number)):
    os.write(out, b"ready\\n")
    while not stopped:
        pass
    print("written to nobody", flush=True)
    print("nor that", file=sys.stderr, flush=True)
    os.write(out, b"end %d\\n" % stopped[0])
"""


def test_what_is_written_to_a_closed_terminal_is_lost_and_no_error() -> None:
    master, slave = pty.openpty()
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES, str(writer)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        pass_fds=[writer],
        start_new_session=True,
    )
    os.close(slave)
    os.close(writer)
    with os.fdopen(reader) as lines:
        assert lines.readline() == "ready\n"
        os.close(master)
        assert lines.read() == f"end {signal.SIGHUP:d}\n"
    assert process.wait(20) == 0
