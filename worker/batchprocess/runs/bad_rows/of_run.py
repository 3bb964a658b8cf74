"""The bad rows of a whole run, and how many each shard has."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from batchprocess.ledger.attempt import bad_rows_of, last_commit
from batchprocess.ledger.effects import Flow
from batchprocess.ledger.head import Stored
from batchprocess.ledger.run import plan_of
from batchprocess.protocol.bad_rows import BadRow
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import Commit, Seal
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.bad_rows.of_record import read_bad_rows
from batchprocess.runs.patience import ATTENDED, Patience
from batchprocess.runs.perform import perform_all
from batchprocess.runs.results import bodies_of
from batchprocess.runs.row_lists.stored_list import rows_of_run
from batchprocess.storage.base import Storage


@dataclass(frozen=True, slots=True)
class CommittedBadRow:
    """A bad row, and the record that counts it: `shard`, `seq` and the attempt that wrote it."""

    shard: int
    seq: int
    attempt: str
    row: BadRow


def bad_rows_of_run(
    storage: Storage, run: RunInfo, patience: Patience = ATTENDED
) -> Generator[CommittedBadRow]:
    """Committed rows that were left out, in the order of the dataset, one at a time.

    Works while the run goes on. Raises VerificationError if a record is missing, or if bad rows are
    missing or not those that were committed.
    """
    plan, rows = plan_of(run), rows_of_run(storage, run, patience)
    with closing(bodies_of(storage, run, patience)) as bodies:
        for body in bodies:
            try:
                for row in read_bad_rows(storage, body, plan, rows, patience):
                    yield CommittedBadRow(body.shard, body.seq, body.attempt, row)
            except FileNotFoundError as error:
                raise VerificationError(
                    f"bad rows of record {body.seq} of shard {body.shard} are missing; see "
                    "batchprocess verify"
                ) from error


def bad_rows_by_shard(storage: Storage, heads: Sequence[Stored | None]) -> list[int]:
    """How many are committed in each shard, as its last commit or seal has it."""
    return perform_all([_committed(head) for head in heads], storage)


def _committed(head: Stored | None) -> Flow[int]:
    record = None if head is None else head.record
    if isinstance(record, Commit | Seal) and record.bad_rows is not None:
        return record.bad_rows.total
    return bad_rows_of((yield from last_commit(head)))
