"""Reading the committed outputs of a run, finished or still going."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchprocess.ledger.effects import Flow
from batchprocess.ledger.finalize import finished
from batchprocess.ledger.read import ShardLedger, read_shard
from batchprocess.ledger.run import read_run
from batchprocess.ledger.survey import require_no_loss
from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import InvalidArgument, VerificationError
from batchprocess.protocol.records import Commit, CommittedFile, Seal, digest
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.download import chunks, whole
from batchprocess.runs.latest_begun import choose, not_begun
from batchprocess.runs.patience import ATTENDED, Patience
from batchprocess.runs.perform import perform, perform_each
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Result:
    """One committed file: where it belongs in the dataset, and its bytes on demand.

    `batches` counts from 0 within the shard, `rows` from 0 in the dataset, both half-open; `seq`
    numbers the record that names the file.
    """

    shard: int
    seq: int
    batches: tuple[int, int]
    rows: tuple[int, int]
    file: CommittedFile
    storage: Storage = field(repr=False)

    def read(self) -> bytes:
        """The file's bytes, whole; VerificationError if they are not those that were committed."""
        body = whole(self.storage, self.file.key)
        if digest(body) != self.file.sha256:
            raise VerificationError(
                f"{self.file.key} was changed: its digest is not the one in the ledger"
            )
        return body

    def chunks(self, patience: Patience = ATTENDED) -> Iterator[bytes]:
        """The file's bytes, in chunks; nobody compares them with `file.sha256`."""
        return chunks(self.storage, self.file.key, patience)


class Results(Iterator[Result]):
    """Committed files of a run, in dataset order; its tables are read as they are committed."""

    def __init__(self, storage: Storage, run: RunInfo, s3: S3Settings) -> None:
        self._storage, self._run, self._s3 = storage, run, s3
        self._found = results_of(storage, run)

    def __next__(self) -> Result:
        """The next file."""
        return next(self._found)

    def close(self) -> None:
        """Read no further."""
        self._found.close()

    def table(self, name: str) -> "Dataset":
        """A pyarrow dataset of the Parquet files that are committed now under a name of `save`.

        `name` is without `.parquet`. Rows come in dataset order from what keeps the order of files,
        as `to_table`, `to_batches` and `head` do. Raises InvalidArgument if there is no such table,
        VerificationError, also later, where a file is missing or has another size.
        """
        from batchprocess.runs.tables.stored_files import dataset_of
        from batchprocess.runs.tables.table_files import files_of_table

        with closing(results_of(self._storage, self._run)) as found:
            suffix, files = files_of_table(found, name, self._run)
        if suffix != ".parquet":
            raise InvalidArgument(f"table {name!r} is of {suffix} files: read them one by one")
        return dataset_of(self._storage.uri, self._s3, [one.file for one in files])


def results(uri: str, s3: S3Settings | None = None) -> Results:
    """Committed files of a run, in dataset order; `.table("name")` opens those of a name of `save`.

    `uri` is a run's folder or a job's (then the run begun last, here or on a cluster): a path,
    `file:///...` or `s3://bucket/...`. Works while the run goes on: what a commit names is whole
    and will not change. Raises InvalidArgument if there is no run, VerificationError if a record
    is missing.
    """
    settings = s3 or S3Settings()
    storage, run = find_run(open_storage(uri.rstrip("/") or uri, settings))
    return Results(storage, run, settings)


def find_run(folder: Storage, pinned: str | None = None) -> tuple[Storage, RunInfo]:
    """The run whose folder this is, or of a job's folder the pinned one or the one begun last.

    Raises InvalidArgument if there is none.
    """
    run = None if pinned else perform(read_run(), folder)
    if run is not None:
        return folder, run
    run_id = pinned or choose(folder)
    run = perform(read_run(), folder.at(run_id))
    if run is None:
        raise InvalidArgument(not_begun(run_id, folder))
    return folder.at(run_id), run


def results_of(storage: Storage, run: RunInfo) -> Generator[Result]:
    """`results` on a run's storage that is already open."""
    with closing(bodies_of(storage, run)) as bodies:
        for body in bodies:
            for item in sorted(body.files, key=lambda item: item.name):
                yield Result(body.shard, body.seq, body.batches, body.rows, item, storage)


def bodies_of(
    storage: Storage, run: RunInfo, patience: Patience = ATTENDED
) -> Generator[Commit | Seal]:
    """All records that name outputs, in the order of the dataset; errors as `results`."""
    final = perform(finished(), storage, patience) is not None
    read = read_shard if final else _read_unbroken
    flows = (read(shard) for shard in range(run.shards))
    with closing(perform_each(flows, storage, patience)) as ledgers:
        for ledger in ledgers:
            if final and ledger.outcome is None:
                raise VerificationError(
                    f"the run is complete, but the ledger of shard {ledger.shard} ends at record "
                    f"{len(ledger.records)} without a seal: see batchprocess verify"
                )
            yield from ledger.bodies


def _read_unbroken(shard: int) -> Flow[ShardLedger]:
    """A ledger that is sealed, or goes on behind its last record nowhere."""
    ledger = yield from read_shard(shard)
    if ledger.outcome is None:
        yield from require_no_loss(ledger)
    return ledger
