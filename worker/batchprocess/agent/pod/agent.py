"""The agent's event loop: children's messages, signals, clocks and seals, one thread for all."""

import contextlib
import os
import selectors
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import ValidationError

from batchprocess.agent.awake_clock import AwakeClock
from batchprocess.agent.orphans import reap_orphans
from batchprocess.agent.pod.child_run import ChildRun, Ended
from batchprocess.agent.pod.child_watch import Limits, SealSeen, Watch
from batchprocess.agent.pod.deadlines import Deadlines
from batchprocess.agent.pod.pod_children import PodChildren
from batchprocess.agent.pod.seal_lookup import read_seal
from batchprocess.agent.pod.signals import drain, stop_signals
from batchprocess.agent.pod.start_children import ChildStarter
from batchprocess.agent.pod.started_children import StartedChildren
from batchprocess.agent.pod.termination_log import TerminationLog
from batchprocess.agent.pod.verdict import (
    ABANDONED,
    conclude,
    conclude_all,
    goes_on,
    goes_on_sentence,
)
from batchprocess.agent.processes import kill_session, missing_script
from batchprocess.agent.reports.reporters import open_reporters
from batchprocess.protocol.control import decode
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.exit_codes import LEAVES_SIBLINGS_RUNNING, ExitCode

TICK_SECONDS = 0.5
MAX_READS = 1_000
"""Of 64 KiB at a time, far more than a socket holds: who never stops talking is not waited for."""
_RUNNER = "the local runner"


class Agent:
    """Runs `command` once for each shard of this pod. `run` returns the pod's exit code."""

    def __init__(
        self,
        environment: WorkerEnvironment,
        command: Sequence[str],
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment, self._command, self._environ = environment, command, environ
        self._clock, self._children = AwakeClock(clock), PodChildren()
        self._deadlines = Deadlines(
            self._children,
            Limits(environment.start_seconds, environment.stall_seconds),
            environment.grace_seconds,
            hear=self._receive_rest,
            real=clock,
            awake=self._clock,
        )
        self._pool = ThreadPoolExecutor(4)
        self._selector = selectors.DefaultSelector()
        starter = ChildStarter(environment, command, environ, self._clock)
        self._started = StartedChildren(starter, self._selector, self._children)
        if environment.progress_fd is not None:
            # We only write to this pipe: it becomes "readable" when its reader has gone.
            self._selector.register(environment.progress_fd, selectors.EVENT_READ, _RUNNER)
        self._log = TerminationLog(environment.termination_log)
        self._reporters = open_reporters(environment)

    def run(self) -> int:
        """Until every child has ended and every claimed seal was read."""
        with stop_signals(self._selector) as stop_requested:
            self._start_all()
            while self._started.running:
                self._receive_all(timeout=TICK_SECONDS)
                if stop_requested():
                    self._stop_all()
                self._end_sealed()
                self._deadlines.check(self._started.running)
                self._reap()
                reap_orphans(self._started.pids)
                self._report()
        return self._finish()

    def _start_all(self) -> None:
        for run in self._started.start_all():
            # Beside the children: a shard that is sealed already must end within seconds.
            run.first_seal = self._pool.submit(read_seal, self._environment, run.watch.shard)

    def _receive_all(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, ChildRun):
                self._receive(key.data)
            elif key.data is _RUNNER:
                self._abandon()
            else:
                drain(key.fd)

    def _abandon(self) -> None:
        """The local runner is dead, and nobody will hear how this ends: as if we had died too."""
        for run in self._started.running:
            kill_session(run.child.process.pid)
        self._log.write(self._children, code=ExitCode.OTHER, message=ABANDONED)
        with contextlib.suppress(OSError):  # stderr may be the runner's too
            print(ABANDONED, file=sys.stderr, flush=True)
        os._exit(ExitCode.OTHER)

    def _receive(self, run: ChildRun) -> bool:
        """Record what a child has sent; False if there was nothing."""
        lines = self._started.receive(run)
        for line in lines or ():
            self._record(run.watch, line)
        return lines is not None

    def _receive_rest(self, run: ChildRun) -> None:
        for _ in range(MAX_READS):
            if run.disconnected or not self._receive(run):
                return

    def _record(self, watch: Watch, line: bytes) -> None:
        before = watch.cursor
        try:
            watch.record(decode(line), self._clock())
        except ValidationError:
            print(f"agent: a control message was not understood: {line[:200]!r}", file=sys.stderr)
            return
        if watch.cursor != before or watch.sealed:
            self._log.write(self._children)

    def _report(self) -> None:
        if self._reporters:
            report = self._children.as_report()
            for one in self._reporters:
                one.report(report)

    def _stop_all(self) -> None:
        if self._children.stop_since is not None:
            return
        self._children.stop_since = self._deadlines.real()
        for run in self._started.running:
            run.ask_to_stop("stopped")

    def _end_sealed(self) -> None:
        for run in self._started.running:
            seal = run.first_seal
            if seal is not None and seal.done():
                run.first_seal = None
                if seal.result().outcome in ("complete", "abandoned") and run.watch.killed is None:
                    run.kill("sealed")

    def _reap(self) -> None:
        for run in self._started.running:
            ended = run.ended or self._end_of(run)
            if ended is None:
                continue
            if self._deadlines.grace_over() or ended.seal.done():
                self._conclude(run, ended)

    def _end_of(self, run: ChildRun) -> Ended | None:
        status = run.child.process.poll()
        if status is None:
            return None
        # What the child said last; its end of the socket may be open still in a process it left.
        self._receive_rest(run)
        run.child.end()
        seal = self._pool.submit(read_seal, self._environment, run.watch.shard)
        run.ended = Ended(status, seal)
        return run.ended

    def _conclude(self, run: ChildRun, ended: Ended) -> None:
        watch, stopping = run.watch, self._children.stop_since is not None
        # A store that does not answer must not hold us past the grace: we would be killed, counted.
        seal = ended.seal.result() if ended.seal.done() else SealSeen("unreadable")
        order = watch.request
        if order is not None and goes_on(watch, seal, stopping=stopping):
            print(f"agent: {goes_on_sentence(watch, order)}", file=sys.stderr, flush=True)
            watch = self._started.start_after(run, order)
        else:
            missing = missing_script(self._command, Path.cwd())
            watch.missing = None if missing is None else str(missing)
            conclude(watch, ended.status, seal, stopping=stopping)
        self._log.write(self._children)
        if watch.code is not None and watch.code not in LEAVES_SIBLINGS_RUNNING:
            for sibling in self._started.running:
                sibling.ask_to_stop("sibling")

    def _finish(self) -> int:
        self._pool.shutdown(wait=False, cancel_futures=True)
        code, message = conclude_all(self._children.watches)
        # Before the last report, which may take a second: a kill meanwhile must find the message.
        self._log.write(self._children, code=code, message=message)
        for one in self._reporters:
            one.last(self._children.as_report())
        print(message, file=sys.stderr, flush=True)
        return code
