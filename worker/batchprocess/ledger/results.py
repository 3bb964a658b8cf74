"""Reading the committed outputs of a run, finished or still going."""

from collections.abc import Iterator
from dataclasses import dataclass

from batchprocess.ledger.download import chunks, whole
from batchprocess.ledger.perform import perform
from batchprocess.ledger.read import read_shard
from batchprocess.ledger.run import read_run
from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.records import CommittedFile
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage


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
    storage: Storage

    def read(self) -> bytes:
        """The file's bytes, whole."""
        return whole(self.storage, self.file.key)

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes, in chunks."""
        return chunks(self.storage, self.file.key)


def results(uri: str, s3: S3Settings | None = None) -> Iterator[Result]:
    """Committed files of the run folder at `uri`, in dataset order.

    `uri` is a path, `file:///...` or `s3://bucket/...`. Works while the run goes on: what a
    commit names is whole and will not change. Raises InvalidArgument if there is no run.
    """
    storage = open_storage(uri, s3 or S3Settings())
    return results_of(storage)


def results_of(storage: Storage) -> Iterator[Result]:
    """`results` on a storage that is already open."""
    run = perform(read_run(), storage)
    if run is None:
        raise InvalidArgument(f"{storage.uri} is no run folder: run.json is missing")
    for shard in range(run.shards):
        for body in perform(read_shard(shard), storage).bodies:
            for item in sorted(body.files, key=lambda item: item.name):
                yield Result(shard, body.seq, body.batches, body.rows, item, storage)
