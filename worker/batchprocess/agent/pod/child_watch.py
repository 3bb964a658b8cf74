"""What the agent knows of a child. Pure: time is an argument."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from batchprocess.protocol.bad_rows.isolation import Isolate
from batchprocess.protocol.control import (
    AnyMessage,
    Beat,
    Claimed,
    Committed,
    Ending,
    Hello,
    Indexed,
    OtherSource,
    Outcome,
    Phase,
)
from batchprocess.protocol.progress import ShardProgress
from batchprocess.protocol.run import RunShape, SourceChange
from batchprocess.protocol.spent import Spent
from batchprocess.protocol.termination import ShardEnd

Reason = Literal["stopped", "stalled", "sealed", "sibling", "lingering"]
LINGER_SECONDS = 8.0
"""After its script a child ends itself by force, sooner than this, if its interpreter still can."""


class SealSeen(NamedTuple):
    """What storage says of a shard's end; `cursor` is the head's. `begun`: run.json may exist."""

    outcome: Literal["complete", "abandoned", "none", "unreadable"]
    cursor: int = 0
    begun: bool = True


class Limits(NamedTuple):
    """Seconds from a start to its first batch, and without a finished batch or hook."""

    start: float
    stall: float


@dataclass
class Watch:
    """One child as the agent sees it. Seconds of one clock, that stands while the agent does.

    `missing`: the script of its command, if there is no such file. `stall`: the limit that it was
    killed for. `request`: the process that it wants to have started after it; `without_commit`: of
    those before it that have, how many in a row have committed nothing.
    """

    shard: int
    started: float
    phase: Phase = "starting"
    last_message: float = 0.0
    idle_since: float = 0.0
    pid: int | None = None
    dump_signal: int | None = None
    claim_seq: int = 0
    seq: int = 0
    cursor: int = 0
    bad_rows: int = 0
    total: int | None = None
    run: RunShape | None = None
    first_row: int | None = None
    source: SourceChange | None = None
    processed: int = 0
    rows: int = 0
    spent: Spent | None = None
    indexed: Indexed | None = None
    sealed: bool = False
    outcome: Outcome | None = None
    request: Isolate | None = None
    stop_asked: bool = False
    without_commit: int = 0
    ending_since: float | None = None
    killed: Reason | None = None
    code: int | None = None
    sentence: str = ""
    missing: str | None = None
    stall: str = ""

    def __post_init__(self) -> None:
        self.last_message = self.idle_since = self.started

    def record(self, message: AnyMessage, now: float) -> None:
        """A message from the child."""
        self.last_message = now
        match message:
            case Hello():
                self.pid, self.dump_signal = message.pid, message.dump_signal
            case Beat():
                if self.phase == "indexing" != message.phase:
                    self.started = now  # how long files are counted says nothing of the start
                self.indexed = message.indexed
                self.phase, self.processed = message.phase, message.processed
                self.rows, self.spent = message.rows, message.spent
                # Forward only: a child that was asleep with us counts that time as its own.
                self.idle_since = max(self.idle_since, now - message.since)
            case Claimed():
                self.claim_seq = self.seq = message.seq
                self.cursor, self.total = message.cursor, message.total
                self.run, self.bad_rows = message.run, message.bad_rows
                self.first_row = message.first_row
            case Committed():
                self.seq, self.cursor = message.seq, message.cursor
                self.without_commit = 0
                self.bad_rows = message.bad_rows
                self.sealed = self.sealed or message.sealed
            case OtherSource():
                self.source = message.change
            case Outcome():
                self.outcome = message
            case Isolate():
                self.request = message
            case Ending():
                self.ending_since = now

    def stalled(self, now: float, limits: Limits) -> str | None:
        """The limit that was passed without a finished batch or hook; None while none was.

        While the loop waits for storage the clock stands, but a child that sends nothing at all
        for that long is stalled in any phase. While it indexes it speaks whenever it comes further.
        """
        if self.phase == "starting":
            over = now - self.started > limits.start
            return f"timeouts.startSeconds = {limits.start:.15g}" if over else None
        silent = now - self.last_message > limits.stall
        idle = self.phase != "storage" and now - self.idle_since > limits.stall
        return f"timeouts.stallSeconds = {limits.stall:.15g}" if silent or idle else None

    def next(self, now: float) -> "Watch":
        """Of the process that is started after it: what is known of the shard still holds."""
        return Watch(
            self.shard,
            now,
            seq=self.seq,
            cursor=self.cursor,
            bad_rows=self.bad_rows,
            total=self.total,
            run=self.run,
            source=self.source,
            without_commit=self.without_commit + 1,
        )

    def lingers(self, now: float) -> bool:
        """Whether its script has ended long ago, and its process has not."""
        return self.ending_since is not None and now - self.ending_since > LINGER_SECONDS

    def as_end(self) -> ShardEnd:
        """For the termination message."""
        return ShardEnd(
            shard=self.shard,
            cursor=self.cursor,
            total=self.total,
            sealed=self.sealed,
            seq=self.seq,
            bad_rows=self.bad_rows,
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
            indexed=self.indexed,
            bad_rows=self.bad_rows,
        )
