"""Asking the agent for a process that finds the bad rows of a batch, or goes on without them.

What `process_batch` has done to reducers, hooks and metrics before it raised is known to nobody, so
that it can be undone only with the process. See ADR 0045.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, Self

from batchprocess.protocol.bad_rows.isolation import Isolate, RaisedAlone, RaisedByBatch
from batchprocess.sdk.attempt.loop import Loop
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.report.agent_link import AgentLink
from batchprocess.sdk.report.row_errors import BadRead, bad_read

_ATTRIBUTE = "_batchprocess_isolate"


def request_of(error: BaseException) -> Isolate | None:
    """What the agent is to be asked for because of `error`."""
    found = error.__dict__.get(_ATTRIBUTE)
    return found if isinstance(found, Isolate) else None


def marked(error: Exception, request: Isolate) -> Exception:
    """`error`, which ends this process with `request`."""
    error.__dict__[_ATTRIBUTE] = request  # a class of the user's may refuse attributes
    return error


def as_told(bad: BadRead) -> RaisedAlone:
    """What is kept of a bad row, for the next process."""
    row, stage, kind, message, traceback, line = bad
    return RaisedAlone(
        row=row, stage=stage, type=kind, message=message, traceback=traceback, line=line
    )


def as_read(told: RaisedAlone) -> BadRead:
    """The same, as if it had been found here."""
    return BadRead(told.row, told.stage, told.type, told.message, told.traceback, told.line)


@dataclass
class AnotherProcess:
    """attempt: ours. can_be_had: whether there is an agent. order: what we were started for.

    behind: whether the last call of `process_batch` in this process has raised.
    """

    attempt: str
    can_be_had: bool = False
    order: Isolate | None = None
    behind: bool = field(default=False, init=False)
    _raised: int = field(default=0, init=False)

    @classmethod
    def of(cls, attempt: str, link: AgentLink) -> Self:
        """As the agent has told, if there is one."""
        return cls(attempt, link.connected, link.order)

    @property
    def follows(self) -> str | None:
        """The attempt that has asked for ours."""
        return None if self.order is None else self.order.attempt

    def begins(self, start: Start) -> Start:
        """Where reading begins: without rows that are known to be bad, unless others are tried.

        The order is done where its batch is committed already.
        """
        if self.order is not None and self.order.batch < start.first:
            self.order = None
        order = self.order
        if order is None or order.step == "try":
            return start
        return replace(start, bad=order.rows())

    def lead(self, loop: Loop) -> None:
        """Have it do what is ordered, and commit before and behind it: nothing is found twice."""
        if loop.skipping is not None:
            loop.skipping = partial(loop.skipping, another=self)
        if self.order is not None:
            loop.boundaries = frozenset((self.order.batch, self.order.batch + 1))

    def order_for(self, index: int) -> Isolate | None:
        """What is to be done with this batch."""
        order = self.order
        return order if order is not None and order.batch == index else None

    def knows_of(self, index: int) -> bool:
        """Whether some of its rows are known to be bad."""
        return self.order_for(index) is not None

    @property
    def has_raised(self) -> bool:
        """Whether a batch has, in this process."""
        return self._raised > 0

    def note_raised(self) -> None:
        """A batch has raised here: what raises later may do so for what that has left behind."""
        self.behind = True
        self._raised += 1

    def asked_for(
        self, error: Exception, rows: Sequence[int], index: int, *, again: bool = False
    ) -> Exception:
        """`error`, marked: `rows` of the batch have raised it, without those known to be bad.

        again: first all these are to be processed where nothing has raised before.
        """
        found = bad_read(error, rows[0], "process_batch")
        known = self.order_for(index)
        bad = () if known is None else known.bad
        raised = RaisedByBatch(
            type=found.kind,
            message=found.message,
            traceback=found.traceback,
            line=found.line,
            without=len(bad),
        )
        step: Literal["try", "process"] = "process" if again else "try"
        asked = Isolate(attempt=self.attempt, batch=index, step=step, bad=bad, error=raised)
        if len(rows) == 1 and self._raised == 1 and not bad:
            # It was alone, and is the first to raise here: nobody else can be to blame.
            asked = asked.then(self.attempt, "process", [as_told(found)])
        return marked(error, asked)
