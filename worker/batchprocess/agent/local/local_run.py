"""A local run as its caller sees it: what to run, how far it is, and how it ended."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.progress import ShardProgress
from batchprocess.protocol.run import RunShape, Summary
from batchprocess.protocol.spent import Spent
from batchprocess.protocol.termination import ShardEnd

State: TypeAlias = Literal["complete", "stopped", "failed", "taken over"]


@dataclass(frozen=True)
class LocalRun:
    """What to run. `environment` is the template of every agent's; `directory` the working one.

    `known`: what the ledgers say at the start; shards sealed there are not started again.
    """

    environment: WorkerEnvironment
    command: tuple[str, ...]
    directory: Path
    parallelism: int
    known: tuple[ShardProgress, ...] = ()
    shape: RunShape | None = None
    on_batch_error: Literal["retry", "fail"] = "retry"


@dataclass(frozen=True)
class RunProgress:
    """What a view may show: the newest report of every shard that has sent one.

    `run` is known once the dataset was counted. `finalizing`: nothing but the end is left.
    `starting`: shards whose processes load the model still; `waiting`: those without a process.
    """

    shards: tuple[ShardProgress, ...]
    shards_total: int
    failed: int
    run: RunShape | None = None
    finalizing: bool = False
    starting: frozenset[int] = frozenset()
    waiting: frozenset[int] = frozenset()


@dataclass(frozen=True)
class LocalResult:
    """How the run ended; `shards` as their last agents left them, `failed` those given up.

    `spent`: where the time of this command's attempts went.
    """

    state: State
    code: int
    message: str
    summary: Summary | None
    shards: tuple[ShardEnd, ...]
    failed: tuple[int, ...] = ()
    spent: Spent = field(default_factory=Spent)


class View(Protocol):
    """Shows a run to a person, or writes it as lines."""

    def update(self, progress: RunProgress) -> None:
        """Newer numbers; called several times a second."""

    def note(self, line: str) -> None:
        """A line of a worker's output, or of ours."""

    def close(self) -> None:
        """The run has ended."""
