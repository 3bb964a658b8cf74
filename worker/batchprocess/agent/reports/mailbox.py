"""Reports to the operator: a mailbox of one, emptied by a thread, so that work never waits.

Nothing depends on a report. One that is lost, late or refused costs freshness and one line in the
log; the termination message and the ledger say all that counts.
"""

import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from batchprocess.agent.reports.delivery import Answer, Post
from batchprocess.backoff import Backoff
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.progress import INTERVAL_SECONDS, ProgressReport


@dataclass(frozen=True)
class Pace:
    """Seconds: between reports, at most between tries, at most asked for, for the last report."""

    interval: float = INTERVAL_SECONDS
    max_pause: float = 30.0
    max_asked: float = 300.0
    last: float = 1.0


@dataclass
class Schedule:
    """When the next report may go out. Pure: time and chance are arguments."""

    pace: Pace = field(default_factory=Pace)
    due: float = 0.0
    held_until: float = 0.0
    failures: int = 0

    def record(self, answer: Answer, began: float, ended: float, draw: float) -> str | None:
        """Plan on from an answer; returns what a person should read, if anything.

        `draw` in [0, 1) spreads pods that were started together, and never makes one faster.
        """
        failed = self.failures
        self.failures = 0 if answer.problem is None else failed + 1
        backoff = Backoff(self.pace.interval, self.pace.max_pause)
        self.due = began + backoff.seconds(max(self.failures, 1)) * (1 + draw / 5)
        if answer.wait is not None:
            self.held_until = ended + min(answer.wait, self.pace.max_asked) * (1 + draw / 5)
            self.due = max(self.due, self.held_until)
        if self.failures == 1:
            return f"progress reports do not arrive, work goes on without: {answer.problem}"
        return "progress reports arrive again" if failed and not self.failures else None


class MailedReporter:
    """Sends the newest report about every five seconds. Its thread starts with the first one.

    `connect` is called in that thread, once: it loads the HTTP and TLS modules.
    """

    def __init__(
        self,
        environment: WorkerEnvironment,
        pace: Pace | None = None,
        connect: Callable[[WorkerEnvironment], Post] | None = None,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._environment, self._connect = environment, connect or _connect
        self._clock, self._draw = clock, draw
        self._schedule = Schedule(pace or Pace())
        self._changed = threading.Condition()
        self._waiting: ProgressReport | None = None
        self._closing = False
        self._thread: threading.Thread | None = None

    def report(self, report: ProgressReport) -> None:
        """Put it in the mailbox, in place of one that still lies there."""
        with self._changed:
            self._waiting = report
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="reports", daemon=True)
            self._thread.start()

    def last(self, report: ProgressReport) -> None:
        """Send a last one now, unless we were asked to wait; gives up after `pace.last` seconds.

        The thread may hang longer than that: it is a daemon, and prints nothing any more.
        """
        with self._changed:
            self._waiting = report
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(self._schedule.pace.last)

    def _run(self) -> None:
        try:
            post = self._connect(self._environment)
        except (OSError, ValueError) as error:
            self._print(f"no progress reports will be sent: {error}")
            return
        while (report := self._next_report()) is not None:
            began = self._clock()
            answer = post(report.model_dump_json().encode())
            self._print(self._schedule.record(answer, began, self._clock(), self._draw()))

    def _next_report(self) -> ProgressReport | None:
        """The newest report, once it is due; None when the last one was sent or held back."""
        with self._changed:
            while not self._closing:
                pause = self._schedule.due - self._clock()
                if self._waiting is not None and pause <= 0:
                    break
                self._changed.wait(None if self._waiting is None else pause)
            report, self._waiting = self._waiting, None
            held = self._closing and self._clock() < self._schedule.held_until
            return None if held else report

    def _print(self, sentence: str | None) -> None:
        with self._changed:
            # The agent's own last line must stay the last one.
            if sentence is not None and not self._closing:
                print(f"agent: {sentence}", file=sys.stderr, flush=True)


def _connect(environment: WorkerEnvironment) -> Post:
    from batchprocess.agent.reports.https import HttpsReporter

    return HttpsReporter.open(environment).post
