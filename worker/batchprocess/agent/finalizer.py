"""The finalizer pod: ledgers become manifest, summary and _SUCCESS, in the tenant's identity."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchprocess.agent.awake_clock import AwakeClock
from batchprocess.agent.orphans import reap_orphans
from batchprocess.agent.processes import Child, kill_session, start, start_failure
from batchprocess.agent.source_variables import source_variables
from batchprocess.ledger.documents import Reduction
from batchprocess.protocol.control import OtherSource, Outcome, Reduced, decode
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import BatchProcessError, Stopped, StorageError
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.records import ReducerEntry
from batchprocess.protocol.run import Asked, SourceChange, Summary
from batchprocess.protocol.variables import ROLE
from batchprocess.runs.finish import finish
from batchprocess.runs.patience import Patience

_STOPPED = "the finalizer was stopped before the run was final; run it again"
_TICK_SECONDS = 0.5
_RETRIED = {ExitCode.OTHER, ExitCode.STALLED, ExitCode.STORAGE}


@dataclass
class Finalizer:
    """Runs once; `stop` may be called from a signal handler at any time.

    `source`: that reducers were started with another source than the run, once they were.
    """

    environment: WorkerEnvironment
    command: Sequence[str]
    environ: Mapping[str, str]
    clock: Callable[[], float] = time.monotonic
    source: SourceChange | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _child: Child | None = None

    def run(self) -> tuple[int, str, Summary | None]:
        """Exit code, one sentence, and the summary if the run is final."""
        from batchprocess.storage.factory import open_storage

        environment = self.environment
        try:
            summary = finish(
                open_storage(environment.run_uri, environment.s3),
                job=environment.job,
                run_id=environment.run_uri.rstrip("/").rpartition("/")[2],
                asked=Asked.of(environment),
                failed=environment.failed_shards,
                bad_rows_allowed=environment.bad_rows_allowed,
                delta_log=environment.delta_log,
                reduce=self._reduce,
                patience=Patience(environment.storage_deadline_seconds, sleep=self._sleep),
            )
        except StorageError as error:
            return ExitCode.STORAGE, str(error), None
        except BatchProcessError as error:
            return error.exit_code, str(error), None
        left_out = f", {summary.badRows} of them bad and left out" if summary.badRows else ""
        by_hand = f", {summary.skippedRows} left out by hand" if summary.skippedRows else ""
        told = f"run {summary.runId} is final: {summary.rows} rows{left_out}{by_hand}"
        return ExitCode.SEALED, told, summary

    def stop(self) -> None:
        """Exit 85 and write nothing that is not a whole document."""
        self._stop.set()
        if self._child is not None:
            kill_session(self._child.process.pid)

    def _sleep(self, seconds: float) -> None:
        """Between tries: a stop ends the waiting for a store that does not answer."""
        if self._stop.wait(seconds):
            raise Stopped(_STOPPED)

    def _reduce(self, _entries: Mapping[str, Sequence[ReducerEntry]]) -> Reduction:
        """Start the user's entry point once more: `cross_slot_reduce` lives in its code."""
        error = ""
        for _ in range(self.environment.max_retries_per_shard + 1):
            code, result = self._reduce_once()
            if self._stop.is_set():
                raise Stopped(_STOPPED)
            if isinstance(result, Reduced):
                return Reduction(result.metrics, result.error)
            error = result
            if code >= 0 and code not in _RETRIED:
                break
        return Reduction({}, error)

    def _reduce_once(self) -> tuple[int, Reduced | str]:
        environ = {**self.environ, ROLE: "finalize", **source_variables(self.environment)}
        try:
            self._child = start(0, self.command, environ)
        except OSError as error:
            return start_failure(self.command, error)
        child, received = self._child, _Received()
        if self._stop.is_set():
            # It came while the child was being started, and found none to kill.
            kill_session(child.process.pid)
        child.connection.setblocking(True)
        reader = threading.Thread(target=received.read_all, args=(child,), daemon=True)
        reader.start()
        status = self._status_in_time(child)
        child.end()
        if status is None:
            child.process.wait()
        reader.join(5)
        child.connection.close()
        self.source = received.source or self.source
        if received.reduced is not None:
            return ExitCode.SEALED, received.reduced
        if status is None:
            limit = f"timeouts.startSeconds = {self.environment.start_seconds:.15g}"
            return (
                ExitCode.STALLED,
                f"reducing took too long ({limit}: raise it if it needs longer)",
            )
        if received.outcome is not None and status >= 0:
            return received.outcome.code, received.outcome.message
        return (status if status < 0 else ExitCode.OTHER), (
            f"the command ended with status {status} without reducing"
        )

    def _status_in_time(self, child: Child) -> int | None:
        """How it ended; None if it has not in `start_seconds` that we were awake."""
        clock = AwakeClock(self.clock)
        began = clock()
        while clock() - began <= self.environment.start_seconds:
            try:
                return child.process.wait(_TICK_SECONDS)
            except subprocess.TimeoutExpired:
                reap_orphans({child.process.pid})
        return None


@dataclass
class _Received:
    reduced: Reduced | None = None
    source: SourceChange | None = None
    outcome: Outcome | None = None

    def read_all(self, child: Child) -> None:
        """Until the child's end of the socket closes."""
        try:
            with child.connection.makefile("rb") as lines:
                for line in lines:
                    self._record(decode(line))
        except OSError as error:
            print(f"finalizer: lost the child's socket: {error}", file=sys.stderr)

    def _record(self, message: Any) -> None:
        if isinstance(message, Reduced):
            self.reduced = message
        if isinstance(message, OtherSource):
            self.source = message.change
        if isinstance(message, Outcome):
            self.outcome = message
