"""Taking a dataset's fingerprint where its items are read, and nowhere else.

A dataset may open files, start threads or touch the GPU at its first row. A process that has done
so can't be forked any more: its workers would share one file offset, or wait for a thread that they
have not got. With loader workers a process like them reads the sample, and leaves nothing behind.
"""

import logging
import multiprocessing
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from batchprocess.sdk.device.torch_private import become_loader_worker
from batchprocess.sdk.input.loader import context_of
from batchprocess.sdk.input.queues.worker_queues import ForkingContext
from batchprocess.sdk.seeding.generators import Preserved
from batchprocess.sdk.setup.fingerprint import Fingerprint, fingerprint
from batchprocess.stop_signals import outlive

_LOG = logging.getLogger("batchprocess")


def start_sampling(
    dataset: Any,
    rows: int,
    options: Mapping[str, Any],
    seconds: float,
    left_out: Collection[int] = (),
) -> Callable[[], Fingerprint]:
    """What gives the fingerprint, once, at most `seconds` after it is called.

    `options` are the data loader's. With workers a process is started now, as theirs are, and reads
    when it is asked; without them rows are read in this process, which reads all others too. Rows
    that are `left_out` are read by nobody.
    """
    if not options.get("num_workers"):
        return lambda: _sample_here(dataset, rows, left_out)
    return SampleProcess(dataset, rows, options, seconds, left_out).fingerprint


def _sample_here(dataset: Any, rows: int, left_out: Collection[int]) -> Fingerprint:
    # What `__init__` draws is to be the same, with a sample or without.
    with Preserved():
        try:
            return fingerprint(dataset, rows, left_out)
        except Exception as error:  # noqa: BLE001  whatever user code raises
            return _none_because_of(error)


def _none_because_of(error: BaseException) -> Fingerprint:
    _LOG.warning("the dataset has no fingerprint: %s: %.200s", type(error).__name__, error)
    return Fingerprint()


@dataclass(frozen=True)
class _Task:
    dataset: Any
    rows: int
    workers: int
    prepare: Callable[[int], None] | None
    left_out: Collection[int]


class SampleProcess:
    """A process started as the loader's workers are, by the same method and the same function."""

    def __init__(
        self,
        dataset: Any,
        rows: int,
        options: Mapping[str, Any],
        seconds: float,
        left_out: Collection[int] = (),
    ) -> None:
        self._seconds = seconds
        prepare = options.get("worker_init_fn")
        task = _Task(dataset, rows, options["num_workers"], prepare, left_out)
        context: Any = context_of(options) or ForkingContext()
        if isinstance(context, str):
            context = multiprocessing.get_context(context)
        outlives = isinstance(context, ForkingContext)
        self._connection, theirs = multiprocessing.Pipe()
        self._process = context.Process(
            target=_sample, args=(theirs, self._connection, task, outlives), daemon=True
        )
        self._process.start()
        theirs.close()

    def fingerprint(self) -> Fingerprint:
        """Have the rows read. Empty, with a warning, if they can't be, or not in time.

        Whoever comes to such a row's batch reports what is wrong with it.
        """
        try:
            self._connection.send_bytes(b"read")
            if not self._connection.poll(self._seconds):
                _LOG.warning(
                    "the dataset has no fingerprint: eight rows were not read in %.0f s, the "
                    "lesser of 300 s and half of timeouts.startSeconds",
                    self._seconds,
                )
                return Fingerprint()
            found: Fingerprint = self._connection.recv()
        except (EOFError, OSError):
            _LOG.warning("the dataset has no fingerprint: the process that read eight rows died")
            return Fingerprint()
        finally:
            self.close()
        return found

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.kill()
        self._process.join()


def _sample(connection: Connection, others_end: Connection, task: _Task, outlives: bool) -> None:
    others_end.close()
    outlive(sigterm=outlives)
    # The interpreter is left at once, whatever user code has started: it might wait for that.
    with suppress(EOFError):  # nobody wants to know any more
        connection.recv_bytes()
        connection.send(_try(task))
    os._exit(0)


def _try(task: _Task) -> Fingerprint:
    become_loader_worker(task.dataset, seed=0, workers=task.workers)
    try:
        if task.prepare is not None:
            task.prepare(0)
        return fingerprint(task.dataset, task.rows, task.left_out)
    except BaseException as error:  # noqa: BLE001  whatever user code raises
        return _none_because_of(error)
