"""Whether what records name has the bytes, and the rows, that they say. A sentence if not."""

from collections.abc import Sequence

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import Commit, CommittedFile, Seal
from batchprocess.protocol.rows.dataset_rows import DatasetRows
from batchprocess.protocol.run import RunInfo
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs.bad_rows.of_record import read_bad_rows
from batchprocess.runs.download import sha256_of
from batchprocess.runs.patience import Patience
from batchprocess.runs.row_lists.stored_list import rows_of_run
from batchprocess.storage.base import Storage


def wrong_file(storage: Storage, item: CommittedFile, patience: Patience) -> str | None:
    """Of one that has other bytes; of one that is missing the ledger's check tells."""
    if sha256_of(storage, item.key, patience) in (None, item.sha256):
        return None
    return f"{item.key} was changed: its digest is not the one in the ledger"


def wrong_bad_rows(
    storage: Storage,
    body: Commit | Seal,
    plan: ShardPlan,
    rows: DatasetRows,
    patience: Patience,
) -> str | None:
    """As `wrong_file`, of rows that were left out, which are read one by one as well."""
    try:
        for _ in read_bad_rows(storage, body, plan, rows, patience):
            pass
    except FileNotFoundError:
        return None
    except VerificationError as error:
        return str(error)
    return None


def known_rows(storage: Storage, run: RunInfo) -> tuple[DatasetRows | None, Sequence[str]]:
    """The run's rows, and no sentence; None if its list is lost or was changed, and one."""
    try:
        return rows_of_run(storage, run), ()
    except VerificationError as error:
        return None, (str(error),)
