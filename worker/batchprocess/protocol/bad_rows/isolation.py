"""A batch whose bad rows are found by processes of their own, one after the other in one pod.

What one of them has found is handed to the next by the agent. All text in it is foreign: it is cut
when it is made, so that a message has an end (docs/protocol.md, "Bad rows in other processes").
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from batchprocess.protocol.bad_rows.bad_row import (
    MAX_MESSAGE,
    MAX_TRACEBACK,
    MAX_TYPE,
    Stage,
    clean,
)
from batchprocess.protocol.json_values import Count

MAX_ROWS = 16
"""Bad rows of one batch that are found so: each but the first costs a process."""
MAX_PROCESSES = 64
"""In a row without a commit; by the rules there are no more than three for each row."""
MAX_BYTES = 128 << 10
"""Of all that one tells the next, as JSON: a socket holds so much that nobody reads yet."""
_MAX_LINE, _BRIEF = 1_000, 200


def _beginning(limit: int) -> BeforeValidator:
    return BeforeValidator(lambda given: clean(str(given)[:limit])[:limit])


_End = BeforeValidator(lambda given: clean(str(given)[-MAX_TRACEBACK:])[-MAX_TRACEBACK:])
_Name = Annotated[str, _beginning(MAX_TYPE)]
_Line = Annotated[str, _beginning(_MAX_LINE)]
_Traceback = Annotated[str, _End]


class _Raised(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    type: _Name = Field(description="class of the exception")
    message: Annotated[str, _beginning(MAX_MESSAGE)] = ""
    traceback: _Traceback = Field(default="", description="its end")
    line: _Line = Field(default="", description="`file:number` of the innermost one of user code")


class RaisedByBatch(_Raised):
    """What the whole batch has raised, but for the rows that were left out: `without` of them."""

    without: Count = 0


class RaisedAlone(_Raised):
    """A row that is bad: it has raised when it was tried alone."""

    row: Count
    stage: Stage

    def brief(self) -> "RaisedAlone":
        """Without its traceback, and with less of its message."""
        return self.model_copy(update={"traceback": "", "message": self.message[:_BRIEF]})


class Isolate(BaseModel):
    """To the agent: this process ends, and another one is to go on with the shard. To that: how.

    attempt: who asks, or asked. batch: of the shard, whose rows `bad` are known to be bad. try: its
    other rows are to be tried alone, each until one raises. process: they are to be processed.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["isolate"] = "isolate"
    attempt: str = Field(max_length=64)
    batch: Count
    step: Literal["try", "process"] = "try"
    bad: tuple[RaisedAlone, ...] = Field(default=(), max_length=MAX_ROWS)
    error: RaisedByBatch

    def rows(self) -> frozenset[int]:
        """Those that are known to be bad."""
        return frozenset(one.row for one in self.bad)

    def then(
        self, attempt: str, step: Literal["try", "process"], more: Iterable[RaisedAlone] = ()
    ) -> "Isolate":
        """What is to come next, with `more` rows that are bad."""
        bad = (*self.bad, *more)
        made = self.model_copy(update={"attempt": attempt, "step": step, "bad": bad})
        if len(made.model_dump_json().encode()) <= MAX_BYTES:
            return made
        return made.model_copy(update={"bad": tuple(one.brief() for one in bad)})
