"""What an exception means: whose fault it is, the exit code, and one sentence (contracts 6)."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from types import TracebackType
from typing import Literal

import torch

from batchprocess.protocol.errors import (
    BatchProcessError,
    InvalidArgument,
    StorageDenied,
    StorageError,
)
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.sharding import ShardPlan

Stage = Literal[
    "the dataset",
    "__init__",
    "start",
    "reading a batch",
    "process_batch",
    "on_checkpoint_start",
    "on_finish",
    "commit",
    "reduce",
]
_USER_STAGES = {"reading a batch", "process_batch", "on_checkpoint_start", "on_finish", "commit"}
_BUILD_STAGES = {"the dataset", "__init__"}
_MAX_CHARACTERS = 1_000
_OURS = f"{files(__name__.partition('.')[0])}/"


@dataclass
class Where:
    """Where the attempt stands; updated by the loop, read when something raises.

    `batch` is shard-local, None outside the loop; `plan` is known once the dataset was counted.
    """

    shard: int
    stage: Stage = "start"
    batch: int | None = None
    plan: ShardPlan | None = None
    run_exists: bool = False

    def sentence(self, error: BaseException) -> str:
        """Who raised what, and where."""
        if isinstance(error, BatchProcessError):
            return str(error)
        text = f"{self.stage} raised {type(error).__name__}: {_one_line(error)}"
        if self.stage == "reduce":
            return text  # over all shards, wherever it is done
        if self.batch is None:
            return f"{text} (shard {self.shard})"
        return f"{text} (batch {self.batch} of shard {self.shard}{self._rows()})"

    def _rows(self) -> str:
        if self.plan is None or self.batch is None:
            return ""
        first, end = self.plan.row_span(self.shard, self.batch, self.batch + 1)
        return f", rows {first} to {end - 1}"


def exit_code_of(error: BaseException, where: Where) -> int:
    """The exit code that `error` at `where` stands for."""
    if isinstance(error, BatchProcessError):
        return _own(error, where)
    if where.stage in _BUILD_STAGES:
        return ExitCode.OTHER if where.run_exists else ExitCode.CANNOT_WORK
    if where.stage in _USER_STAGES and not _is_machine_failure(error):
        return ExitCode.USER_CODE
    return ExitCode.OTHER


def print_plainly_if_uncaught(error: BaseException, *, reported: bool) -> None:
    """If nobody catches `error`: print the sentence alone if it is one of ours, else the traceback

    through the user's code. `heard`: an agent has been told the sentence, and will print it.
    """
    before = sys.excepthook

    def hook(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        if value is not error:
            before(kind, value, trace)
        elif not isinstance(error, BatchProcessError):
            # The interpreter prints the error's own traceback, whichever it is given.
            shown = value.with_traceback(without_our_frames(trace))
            before(kind, shown, shown.__traceback__)
        elif not reported:
            print(value, file=sys.stderr)  # noqa: T201  in place of the interpreter's own print

    sys.excepthook = hook


def without_our_frames(trace: TracebackType | None) -> TracebackType | None:
    """The calls of a traceback but those of this package through which user code was called.

    All of it if no user code was: the fault is here then.
    """
    frames = list(_frames(trace))
    users = [number for number, one in enumerate(frames) if not _is_ours(one)]
    called = next((number for number, one in enumerate(frames) if _is_ours(one)), len(frames))
    if not users or users[-1] < called:
        return trace
    kept = [one for at, one in enumerate(frames) if at > users[-1] or not _is_ours(one)]
    linked = None
    for one in reversed(kept):
        linked = TracebackType(linked, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return linked


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _is_ours(one: TracebackType) -> bool:
    return one.tb_frame.f_code.co_filename.startswith(_OURS)


def _own(error: BatchProcessError, where: Where) -> int:
    if isinstance(error, StorageDenied) and not where.run_exists:
        return ExitCode.CANNOT_WORK
    if isinstance(error, StorageError):
        return ExitCode.STORAGE
    if isinstance(error, InvalidArgument) and where.stage in _BUILD_STAGES and where.run_exists:
        return ExitCode.OTHER
    return error.exit_code


def _one_line(error: BaseException) -> str:
    """What `error` says, as one line: the whole of it stands above, in the traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Caught ") and "Traceback" in lines[1]:
        # A loader process sends its traceback as text, which ends in the user's own words.
        return f"{lines[-1].partition(': ')[2] or lines[-1]} (in a loader process)"
    text = " / ".join(lines)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."


def _is_machine_failure(error: BaseException) -> bool:
    """Whether the machine, not the user's code or data, is the likely cause: try elsewhere."""
    if isinstance(error, OSError | MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    accelerator = type(error).__name__ == "AcceleratorError" or "CUDA error" in text
    killed = "DataLoader worker" in text and ("killed" in text or "exited" in text)
    return isinstance(error, RuntimeError) and (accelerator or killed)
