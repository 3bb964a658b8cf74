"""Where an attempt stands, and what an exception there means: exit code and one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from batchprocess.protocol.errors import (
    BatchProcessError,
    InvalidArgument,
    StorageDenied,
    StorageError,
)
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.json_values import as_readable
from batchprocess.protocol.rows.dataset_rows import ALL_ROWS, DatasetRows, said
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.report.failure_facts import encodable, facts_of
from batchprocess.sdk.report.stages import MEANINGS, Fault, Stage


@dataclass
class Where:
    """Where the attempt stands; updated by the loop, read when something raises.

    `batch` is shard-local, None outside the loop; `plan` and `rows` are known once the dataset was
    counted.
    """

    shard: int
    stage: Stage = "start"
    batch: int | None = None
    plan: ShardPlan | None = None
    rows: DatasetRows = ALL_ROWS
    run_exists: bool = False

    def enter(self, stage: Stage, batch: int | None) -> None:
        """Be at `stage` from now on: for the loop, where blocks would cost more than its work."""
        self.stage, self.batch = stage, batch

    @contextmanager
    def at(self, stage: Stage) -> Iterator[None]:
        """Be at `stage` within the block, and after it if it raises: reports name its stage."""
        before, self.stage = self.stage, stage
        yield
        self.stage = before

    def sentence(self, error: BaseException) -> str:
        """Who raised what, and where."""
        # It becomes part of messages and documents, which take no bytes of file names.
        return as_readable(self._sentence(error))

    def _sentence(self, error: BaseException) -> str:
        if isinstance(error, BatchProcessError):
            return encodable(str(error))
        facts = facts_of(error)
        said = facts.said and f": {facts.said}"
        where = " (in a loader process)" if facts.loader_process else ""
        text = f"{self.stage} raised {facts.kind}{said}{where}"
        if not MEANINGS[self.stage].of_shard:
            return text
        return f"{text} ({self._place(facts.row)})"

    def note_place(self, error: BaseException) -> None:
        """Have the traceback of user code's error end with its batch, or row, if it was in one."""
        if self.batch is not None and not isinstance(error, BatchProcessError):
            error.add_note(f"(batchprocess: {self.stage}, {self._place(facts_of(error).row)})")

    def _place(self, row: int | None) -> str:
        if self.batch is None:
            return f"shard {self.shard}"
        return f"batch {self.batch} of shard {self.shard}{self._rows(row)}"

    def _rows(self, row: int | None) -> str:
        if row is not None:
            return f", row {row}"
        if self.plan is None or self.batch is None:
            return ""
        positions = self.plan.positions(self.shard, self.batch, self.batch + 1)
        return f", {said(self.rows.at(positions))}"


def exit_code_of(error: BaseException, where: Where) -> ExitCode:
    """The exit code that `error` at `where` stands for."""
    meaning = MEANINGS[where.stage]
    # What was refused as an argument may be right on another node, if it ever was right on one.
    of_job = meaning.fault is Fault.JOB and isinstance(error, InvalidArgument)
    if isinstance(error, BatchProcessError) and not of_job:
        return _code_of_ours(error, where)
    if meaning.on_machine_failure is not None and facts_of(error).of_machine:
        return meaning.on_machine_failure
    return meaning.later if where.run_exists else meaning.at_first


def _code_of_ours(error: BatchProcessError, where: Where) -> ExitCode:
    if isinstance(error, StorageDenied) and not where.run_exists:
        return ExitCode.CANNOT_WORK
    return ExitCode.STORAGE if isinstance(error, StorageError) else error.exit_code
