"""A lock that no copy in another process finds held."""

import os
import pickle
import threading

import pytest

from batchprocess.data.rows.own_lock import OwnLock


def test_one_thread_at_a_time_and_that_one_again() -> None:
    lock, seen = OwnLock(), list[str]()

    def other() -> None:
        with lock:
            seen.append("other")

    with lock, lock:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.1)
        seen.append("first")
    thread.join()
    assert seen == ["first", "other"]


@pytest.mark.slow
def test_copies_are_free() -> None:
    lock, held, done = OwnLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with pickle.loads(pickle.dumps(lock)):
        pass
    if (child := os.fork()) == 0:
        with lock:
            os._exit(7)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 7
