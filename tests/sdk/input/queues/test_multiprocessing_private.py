"""What we use of multiprocessing without a promise is there, and does what we use it for."""

import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.reduction import ForkingPickler
from queue import Empty, Full

import pytest

from batchprocess.sdk.input.queues.multiprocessing_private import (
    DupFd,
    KilledProcess,
    OpenQueue,
    close_unsent,
    connected_pair,
    die_with_parent,
)

HELD_FOR = {(3, 11)}
"""Pythons for which somebody has read again what stands in multiprocessing_private.py."""


@pytest.fixture
def queue():
    made = OpenQueue(1, ctx=multiprocessing.get_context("fork"))
    yield made
    made.close()
    made.join_thread()


def test_somebody_has_looked_at_this_python() -> None:
    assert sys.version_info[:2] in HELD_FOR


def test_every_private_name_is_there(queue: OpenQueue) -> None:
    assert not [name for name in OpenQueue.__annotations__ if not hasattr(queue, name)]


def test_a_message_written_to_the_pipe_is_got_like_any_other(queue: OpenQueue) -> None:
    assert queue.unread_bytes() == 0
    message = ForkingPickler.dumps("batch")
    queue.write(message, block=True, timeout=None)
    assert queue.unread_bytes() > len(message)
    with pytest.raises(Full):
        queue.write(message, block=False, timeout=None)
    assert queue.get() == "batch"
    with pytest.raises(Empty):
        queue.get(block=False)
    assert not queue.has_thread()


def test_a_queue_tells_whether_its_thread_writes(queue: OpenQueue) -> None:
    queue.put(1)
    assert queue.has_thread()
    assert queue.get() == 1


@pytest.mark.slow
def test_a_forked_process_is_not_the_maker(queue: OpenQueue) -> None:
    assert queue.is_in_maker()
    child = os.fork()
    if child == 0:
        os._exit(1 if queue.is_in_maker() else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_file_that_nobody_asked_for_is_closed() -> None:
    read, write = os.pipe()
    close_unsent(DupFd(write))
    os.close(write)
    assert os.read(read, 1) == b""  # no writer is left
    os.close(read)


@pytest.mark.slow
def test_a_process_that_is_killed_at_our_exit_alarms_nobody() -> None:
    """Torch's handler, which raises where a loader process is killed, prints a traceback then."""
    program = """
import signal, time
from batchprocess.sdk.input.queues.worker_queues import ForkingContext
signal.signal(signal.SIGCHLD, lambda *_: print("alarmed"))
process = ForkingContext().Process(target=time.sleep, args=(600,), daemon=True)
process.start()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_message_is_read_as_it_was_pickled(queue: OpenQueue) -> None:
    queue.put("task")
    assert queue.pipe.poll(10)
    assert ForkingPickler.loads(queue.read()) == "task"
    queue.put("next", block=False)  # there is room again
    assert queue.get() == "next"


def test_a_process_tells_what_it_is_to_run() -> None:
    assert KilledProcess(target=print, args=(1, 2)).work() == (print, (1, 2))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pipes tell")
def test_a_forked_process_dies_with_the_one_that_forked_it() -> None:
    ours, theirs = connected_pair()
    parent = os.fork()
    if parent == 0:
        if os.fork() == 0:
            die_with_parent()
            theirs.send_bytes(b"here")
            signal.pause()
        theirs.recv_bytes()
        os._exit(0)
    assert ours.recv_bytes() == b"here"
    theirs.close()
    ours.send_bytes(b"end")
    os.waitpid(parent, 0)
    assert ours.poll(10)
    with pytest.raises((EOFError, ConnectionResetError)):
        ours.recv_bytes()
