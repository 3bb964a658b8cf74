"""What child and agent say over the control socket: one JSON object a line.

The socket is one end of a socketpair whose number is in BATCHPROCESS_CONTROL_FD; it survives a
shell wrapped around the command. Child to agent: Hello, Beat, OtherSource, Claimed, Committed,
Outcome, Isolate, Ending, Reduced. Agent to child: Isolate, Stop. End of file at the child means
that the agent is dead.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from batchprocess.protocol.bad_rows.isolation import Isolate
from batchprocess.protocol.json_values import Count
from batchprocess.protocol.run import RunShape, SourceChange
from batchprocess.protocol.spent import Spent

Phase = Literal["indexing", "starting", "running", "hook", "storage", "finishing", "done"]
"""indexing: rows of files are looked for. starting: then, before the first batch. storage: the loop
waits for storage, the stall clock stands.
"""


class Indexed(BaseModel):
    """How many bytes of the input were looked through for rows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    done: Count
    total: Count = Field(description="0 while objects are listed")


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Hello(_Message):
    """First message: who is at the other end, and which signal makes it dump its stacks."""

    type: Literal["hello"] = "hello"
    pid: int
    dump_signal: int | None = None


class Beat(_Message):
    """About once a second from a thread of the child: where the loop stands.

    `since` is the seconds that the loop has been in `phase` without finishing a batch or hook.
    """

    type: Literal["beat"] = "beat"
    shard: int
    phase: Phase
    since: float
    processed: Count
    cursor: Count
    total: Count
    rows: Count = 0
    spent: Spent | None = None
    indexed: Indexed | None = Field(default=None, description="in phase indexing")


class Claimed(_Message):
    """The shard is ours from record `seq` on; `cursor` batches were committed before.

    `bad_rows` of them were left out. `first_row`: the dataset's row that the shard begins with,
    null where the run's rows do not follow one another.
    """

    type: Literal["claimed"] = "claimed"
    shard: int
    seq: Count
    cursor: Count
    total: Count
    run: RunShape | None = None
    bad_rows: Count = 0
    first_row: Count | None = None


class Committed(_Message):
    """A durable commit or seal; sent only after the record's bytes were acknowledged.

    `bad_rows`: of the shard, left out in what is committed.
    """

    type: Literal["committed"] = "committed"
    shard: int
    seq: Count
    cursor: Count
    sealed: bool = False
    bad_rows: Count = 0


class OtherSource(_Message):
    """This attempt was started with another source than its run; sent before the claim."""

    type: Literal["source"] = "source"
    change: SourceChange


class Outcome(_Message):
    """Why the child is about to end; counts only if no complete seal is found."""

    type: Literal["outcome"] = "outcome"
    code: int
    message: str


class Ending(_Message):
    """The child's script has ended; its process is to end soon, whatever it still waits for."""

    type: Literal["ending"] = "ending"


class Reduced(_Message):
    """Result of role `finalize`: the reduced metrics, or why there are none."""

    type: Literal["reduced"] = "reduced"
    metrics: dict[str, Any] = {}
    error: str | None = None


class Stop(_Message):
    """Finish the running batch, commit, exit 85."""

    type: Literal["stop"] = "stop"


AnyMessage = (
    Hello | Beat | OtherSource | Claimed | Committed | Outcome | Isolate | Ending | Reduced | Stop
)
Message = Annotated[AnyMessage, Field(discriminator="type")]
_ADAPTER: TypeAdapter[AnyMessage] = TypeAdapter(Message)


def encode(message: BaseModel) -> bytes:
    """One line for the socket."""
    return message.model_dump_json().encode() + b"\n"


def decode(
    line: bytes,
) -> AnyMessage:
    """The message in one line."""
    return _ADAPTER.validate_json(line)
