"""What the agent knows of a child, and what follows from it. Pure: time is an argument."""

import signal
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from batchprocess.protocol.control import (
    Beat,
    Claimed,
    Committed,
    Hello,
    Outcome,
    Phase,
    Reduced,
    Stop,
)
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.spent import Spent
from batchprocess.protocol.termination import ShardEnd

Message = Hello | Beat | Claimed | Committed | Outcome | Reduced | Stop
Reason = Literal["stopped", "stalled", "sealed", "sibling"]


class SealSeen(NamedTuple):
    """What storage says of a shard's end; `cursor` is the head's. `begun`: run.json may exist."""

    outcome: Literal["complete", "abandoned", "none", "unreadable"]
    cursor: int = 0
    begun: bool = True


UNREACHED = "before it called torch_batch_process"
"""Ends a sentence where the command's own output is all that is known of its end."""


@dataclass
class Watch:
    """One child as the agent sees it. Times in seconds of one monotonic clock.

    `missing`: the script of its command, if there is no such file.
    """

    shard: int
    started: float
    phase: Phase = "starting"
    heard: float = 0.0
    idle_since: float = 0.0
    pid: int | None = None
    dump_signal: int | None = None
    claim_seq: int = 0
    seq: int = 0
    cursor: int = 0
    total: int | None = None
    run: RunShape | None = None
    processed: int = 0
    rows: int = 0
    spent: Spent | None = None
    sealed: bool = False
    outcome: Outcome | None = None
    reduced: Reduced | None = None
    killed: Reason | None = None
    code: int | None = None
    sentence: str = ""
    missing: str | None = None

    def __post_init__(self) -> None:
        self.heard = self.idle_since = self.started

    def take(self, message: Message, now: float) -> None:
        """A message from the child."""
        self.heard = now
        match message:
            case Hello():
                self.pid, self.dump_signal = message.pid, message.dump_signal
            case Beat():
                self.phase, self.processed = message.phase, message.processed
                self.rows, self.spent = message.rows, message.spent
                self.idle_since = now - message.since
            case Claimed():
                self.claim_seq = self.seq = message.seq
                self.cursor, self.total = message.cursor, message.total
                self.run = message.run
            case Committed():
                self.seq, self.cursor = message.seq, message.cursor
                self.sealed = self.sealed or message.sealed
            case Outcome():
                self.outcome = message
            case Reduced():
                self.reduced = message

    def stalled(self, now: float, *, start_seconds: float, stall_seconds: float) -> bool:
        """No batch or hook finished for too long. While the loop waits for storage the clock

        stands, but a child that says nothing at all for that long is stalled in any phase.
        """
        if self.phase == "starting":
            return now - self.started > start_seconds
        if now - self.heard > stall_seconds:
            return True
        return self.phase != "storage" and now - self.idle_since > stall_seconds

    def end(self, status: int, seal: SealSeen, *, stopping: bool) -> None:
        """The process ended with `status` (negative: by a signal); `seal` is what storage says."""
        self.cursor = max(self.cursor, seal.cursor)
        if seal.outcome == "complete":
            self.total = self.cursor
        self.code, self.sentence = verdict(self, status, seal, stopping=stopping)
        self.sealed = self.code == ExitCode.SEALED

    def as_end(self) -> ShardEnd:
        """For the termination message."""
        return ShardEnd(
            shard=self.shard,
            cursor=self.cursor,
            total=self.total,
            sealed=self.sealed,
            seq=self.seq,
        )

    def as_progress(self) -> ShardProgress:
        """For a report; `seq` is the claim's, so that a fenced zombie's late report is known."""
        return ShardProgress(
            shard=self.shard,
            seq=self.claim_seq,
            cursor=self.cursor,
            total=self.total or 0,
            processed=max(self.processed, self.cursor),
            rows=self.rows,
            phase=self.phase,
            sealed=self.sealed,
            spent=self.spent,
        )


def verdict(watch: Watch, status: int, seal: SealSeen, *, stopping: bool) -> tuple[int, str]:
    """Exit code and sentence of one child (contracts section 6).

    What storage says of the seal comes before everything that the process says or does.
    """
    shard = watch.shard
    if seal.outcome == "complete":
        return ExitCode.SEALED, f"shard {shard} is complete"
    if seal.outcome == "abandoned":
        return ExitCode.CLOSED, (
            f"shard {shard} was closed as failed at batch {watch.cursor}; start another run"
        )
    if seal.outcome == "unreadable" and (watch.sealed or status == 0):
        return ExitCode.STORAGE, f"the seal of shard {shard} could not be read back"
    if watch.killed == "stalled":
        return ExitCode.STALLED, _stall_sentence(watch)
    said = watch.outcome
    if stopping or watch.killed in ("stopped", "sibling"):
        if said is not None and said.code in (ExitCode.FENCED, ExitCode.CANNOT_WORK):
            return said.code, said.message
        return ExitCode.STOPPED, _stop_sentence(watch)
    if status < 0:
        return 128 - status, _signal_sentence(shard, -status)
    if said is not None:
        return said.code, said.message
    return _unsaid(watch, status, begun=seal.begun)


_UNCAUGHT = (1, 2)
"""How Python ends by an exception that nobody catches, or without having found the script."""


def _unsaid(watch: Watch, status: int, *, begun: bool) -> tuple[int, str]:
    shard = watch.shard
    if status > 128 and status - 128 in {int(one) for one in signal.Signals}:
        # A shell between us and the process turns a death by signal into this code.
        return status, _signal_sentence(shard, status - 128)
    hints = {126: " (not executable)", 127: " (command not found?)"}
    text = f"the command ended with exit code {status}{hints.get(status, '')}"
    if watch.pid is None and status != 0:
        # No import error and no missing script passes by itself; later another node may differ.
        never = status in _UNCAUGHT and not begun
        why = "" if watch.missing is None else f": {watch.missing} does not exist"
        return ExitCode.CANNOT_WORK if never else ExitCode.OTHER, f"{text} {UNREACHED}{why}"
    return (
        ExitCode.OTHER,
        f"{text} without sealing shard {shard}: does it call torch_batch_process?",
    )


def _stop_sentence(watch: Watch) -> str:
    if watch.cursor:
        return f"shard {watch.shard} was stopped at batch {watch.cursor}, committed"
    so_far = "committed" if watch.processed else "processed"
    return f"shard {watch.shard} was stopped before anything had been {so_far}"


def _stall_sentence(watch: Watch) -> str:
    stacks = "" if watch.dump_signal is None else "; its stacks are in the log above"
    place = "before its first batch" if watch.phase == "starting" else f"in phase {watch.phase}"
    return f"shard {watch.shard} stood still for too long {place}{stacks}"


def _signal_sentence(shard: int, number: int) -> str:
    name = signal.Signals(number).name
    hint = {
        "SIGKILL": ": out of memory?",
        "SIGSEGV": ": crash in native code, or a stack overflow",
        "SIGABRT": ": native code gave up",
        "SIGBUS": ": is /dev/shm full?",
    }.get(name, "")
    return f"the process of shard {shard} was killed by {name}{hint}"


@dataclass
class Pod:
    """All children of one agent."""

    watches: list[Watch] = field(default_factory=list)
    stop_since: float | None = None

    @property
    def running(self) -> list[Watch]:
        """Children that have not ended."""
        return [watch for watch in self.watches if watch.code is None]

    @property
    def run(self) -> RunShape | None:
        """How the dataset is cut: the same for all, told by the first that has claimed."""
        return next((watch.run for watch in self.watches if watch.run is not None), None)

    def as_report(self) -> ProgressReport:
        """What is known of all shards now."""
        return ProgressReport(
            shards=tuple(watch.as_progress() for watch in self.watches), run=self.run
        )

    def grace_over(self, now: float, grace_seconds: float) -> bool:
        """Three seconds before Kubernetes would kill us, we end the children ourselves."""
        if self.stop_since is None:
            return False
        return now - self.stop_since >= max(grace_seconds - 3, 0)
