"""Loader processes that are started again when a row kills them.

What the loader starts is a keeper: it runs no code of users, and so can fork, at any time, the
process that does. All tasks and batches pass through it, whole: it knows what a dead process had
been given and had not answered, and no queue is left with half a batch or a lock in a dead hand.
"""

import logging
import os
import signal
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event
from typing import NoReturn

from batchprocess.sdk.input.queues.multiprocessing_private import (
    KilledProcess,
    OpenQueue,
    connected_pair,
    die_with_parent,
)
from batchprocess.sdk.input.queues.worker_queues import DirectQueue, ForkingContext
from batchprocess.sdk.input.skipping.suspect import (
    Death,
    SharedRow,
    Suspect,
    suspect_first_batch,
)
from batchprocess.sdk.input.skipping.worker_pipes import BatchPipe, TaskPipe
from batchprocess.stop_signals import outlive

_LOG = logging.getLogger("batchprocess")
DEADLY = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT})
"""Of native code that meets what it did not expect. SIGKILL is the kernel's, for memory."""
MAX_DEATHS = 100
"""Of one worker: then it ends as it did."""
_MAX_BYTES_AHEAD = 16 << 10
"""Of tasks given to a process beside the one in work: it must never be waited for with them."""
_LOOK_SECONDS, _GIVE_UP_SECONDS = 5.0, 0.2


class KeptProcess(KilledProcess):
    """A loader's worker, of torch's function, in a process that its keeper forks."""

    def run(self) -> None:
        """In the keeper, and in what it forks."""
        target, arguments = self.work()
        tasks, batches = (one for one in arguments if isinstance(one, DirectQueue))
        (done,) = (one for one in arguments if isinstance(one, Event))

        def work(connection: Connection, *, first: bool) -> None:
            # Of slots only the first process knows which are free.
            slots = batches.own_slots if first else lambda: None
            pipes = {id(tasks): TaskPipe(connection), id(batches): BatchPipe(connection, slots)}
            target(*(pipes.get(id(one), one) for one in arguments))

        _Keeper(tasks, batches, done, work).run()


class KeepingContext(ForkingContext):
    """A `ForkingContext` whose processes are kept."""

    Process = KeptProcess


class _Keeper:
    def __init__(
        self, tasks: OpenQueue, batches: OpenQueue, done: Event, work: Callable[..., None]
    ) -> None:
        self._tasks, self._batches, self._work = tasks, batches, work
        self._done, self._parent = done, os.getppid()
        self._row = SharedRow()
        self._open: deque[bytes] = deque()
        """Tasks without an answer, of which the process has the first `_given`."""
        self._given = 0
        self._suspected: bytes | None = None
        self._dead: list[Death] = []
        self._deaths = 0

    def run(self) -> None:
        """Returns in the process that reads, once it has."""
        # It may stand in the middle of a batch that nobody takes any more.
        die_with_parent()
        outlive(sigterm=True)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        users = signal.signal(signal.SIGALRM, self._end_if_done)
        while True:
            ours, theirs = connected_pair()
            child = os.fork()
            if child == 0:
                ours.close()
                signal.signal(signal.SIGALRM, users)
                self._read(theirs)
                return
            theirs.close()
            self._serve(child, ours)
            ours.close()
            status = os.waitpid(child, 0)[1]
            if not self._goes_on_after(status):
                _end_as(status)

    def _read(self, connection: Connection) -> None:
        die_with_parent()
        if self._suspected is not None:
            suspect_first_batch(Suspect(self._row, list(self._dead)))
        self._work(connection, first=self._deaths == 0)

    def _serve(self, child: int, connection: Connection) -> None:
        """Until the process has closed its end."""
        self._given = 0
        self._give(connection)
        while True:
            ready = wait([self._tasks.pipe, connection], _LOOK_SECONDS)
            if not ready and os.getppid() != self._parent:
                os.kill(child, signal.SIGKILL)
                os._exit(1)
            if self._tasks.pipe in ready:
                self._open.append(self._tasks.read())
                self._give(connection)
            if connection in ready and not self._pass_on(connection):
                return

    def _pass_on(self, connection: Connection) -> bool:
        """One batch; False if no more will come."""
        try:
            batch = connection.recv_bytes()
        except (EOFError, OSError):
            return False
        if self._open.popleft() is self._suspected:
            self._suspected = None
            self._dead.clear()
        self._given -= 1
        self._give(connection)
        signal.setitimer(signal.ITIMER_REAL, _GIVE_UP_SECONDS, _GIVE_UP_SECONDS)
        self._batches.write(batch, block=True, timeout=None)
        signal.setitimer(signal.ITIMER_REAL, 0)
        return True

    def _end_if_done(self, *_: object) -> None:
        """While a batch is written: nobody may want it any more, nor take what is in the pipe."""
        if self._done.is_set():
            os._exit(0)

    def _give(self, connection: Connection) -> None:
        while self._given < len(self._open):
            ahead = sum(len(self._open[at]) for at in range(1, self._given + 1))
            if self._given and ahead > _MAX_BYTES_AHEAD:
                return
            try:
                connection.send_bytes(self._open[self._given])
            except OSError:  # it has died, which the other direction tells
                return
            self._given += 1

    def _goes_on_after(self, status: int) -> bool:
        """Whether a new process is to read what this one has left; it then knows what happened."""
        name = _deadly(status)
        if name is None or not self._open or self._deaths == MAX_DEATHS:
            return False
        row, first = self._row.number, self._suspected is None
        if not first and row < 0:
            return False  # of a batch whose rows could be read alone
        self._row.set(-1)
        if not first:
            self._dead.append(Death(row, name))
        self._suspected = self._open[0]
        self._deaths += 1
        _LOG.warning(
            "a loader process died of %s%s: another one goes on, row by row in that batch",
            name,
            "" if first else f" at row {row}",
        )
        return True


def _deadly(status: int) -> str | None:
    """The signal's name, if it is one that a row may be to blame for."""
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) not in DEADLY:
        return None
    return signal.Signals(os.WTERMSIG(status)).name


def _end_as(status: int) -> NoReturn:
    """As the process has ended, for the loader to see."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
