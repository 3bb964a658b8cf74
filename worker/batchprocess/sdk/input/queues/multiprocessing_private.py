"""What we use of multiprocessing beyond its documentation; a test names the versions."""

import ctypes
import fcntl
import multiprocessing
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, ForkProcess
from multiprocessing.popen_fork import Popen
from multiprocessing.process import current_process
from multiprocessing.queues import Queue
from multiprocessing.resource_sharer import DupFd
from multiprocessing.util import is_exiting
from queue import Full
from typing import Any

__all__ = [
    "DupFd",
    "ForkContext",
    "KilledProcess",
    "OpenQueue",
    "close_unsent",
    "connected_pair",
    "die_with_parent",
    "is_starting_child",
]


class _Killed(Popen):
    def terminate(self) -> None:
        if is_exiting() and threading.current_thread() is threading.main_thread():
            # Torch's handler raises when a loader process is killed.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.kill()


class KilledProcess(ForkProcess):
    """Killed where others are sent SIGTERM: by `terminate`, and daemonic ones at our exit."""

    _target: Callable[..., None]
    _args: tuple[Any, ...]

    def work(self) -> tuple[Callable[..., None], tuple[Any, ...]]:
        """The function that it runs, and with what."""
        return self._target, self._args

    @staticmethod
    def _Popen(process_obj: Any) -> Popen:  # noqa: N802  multiprocessing's name
        return _Killed(process_obj)


# No type arguments: the class has none when it runs.
class OpenQueue(Queue):  # type: ignore[type-arg]
    """The queue, with its pipe in reach."""

    _opid: int
    _thread: object
    _sem: Any
    _wlock: Any
    _rlock: Any
    _reader: Any
    _writer: Any

    def is_in_maker(self) -> bool:
        """Whether this process made the queue; in the others it was forked."""
        return os.getpid() == self._opid

    def has_thread(self) -> bool:
        """Whether what is put goes to a thread that writes it."""
        return self._thread is not None

    def unread_bytes(self) -> int:
        """In the pipe."""
        waiting = fcntl.ioctl(self._reader.fileno(), termios.FIONREAD, bytes(4))
        return int.from_bytes(waiting, sys.byteorder)

    @property
    def pipe(self) -> Any:
        """What there is something to `read` from, to be waited for."""
        return self._reader

    def read(self) -> bytes:
        """Take the next message out of the pipe, pickled as it is."""
        with self._rlock:
            message: bytes = self._reader.recv_bytes()
        self._sem.release()
        return message

    def write(self, message: Any, block: bool, timeout: float | None) -> None:
        """Put a pickled message into the pipe in this thread; Full as `put` raises it."""
        if not self._sem.acquire(block, timeout):
            raise Full
        with self._wlock:
            self._writer.send_bytes(message)


def is_starting_child() -> bool:
    """Whether this process is a child that still reads its parent's script, for `spawn`."""
    return getattr(current_process(), "_inheriting", False)


def close_unsent(file: DupFd) -> None:
    """Close a file that was made ready for another process, which will not ask for it."""
    os.close(file.detach())


_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Be killed when the process that forked this one ends. Linux; elsewhere its pipes tell."""
    parent = os.getppid()
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def connected_pair() -> tuple[Connection, Connection]:
    """Both ends of a pipe of two directions."""
    return multiprocessing.Pipe()
