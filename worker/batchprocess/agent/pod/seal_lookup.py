"""What storage says about a shard's end. boto3 loads here, after the children were started."""

from batchprocess.agent.pod.child_watch import SealSeen
from batchprocess.ledger.head import durable_head
from batchprocess.ledger.run import read_run
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import BatchProcessError, StorageError
from batchprocess.protocol.records import Seal
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform


def read_seal(environment: WorkerEnvironment, shard: int) -> SealSeen:
    """The shard's seal as it stands, `none` if it is open, `unreadable` if storage won't say.

    Also whether the run has begun at all: before that, some failures can never pass.
    """
    try:
        # Imported late: boto3 takes half a second, and children must not wait for it.
        from batchprocess.storage.factory import open_storage

        storage = open_storage(environment.run_uri, environment.s3)
        patience = Patience(environment.storage_deadline_seconds, refusal_is_final=True)
        head = perform(durable_head(shard), storage, patience)
        begun = head is not None or perform(read_run(), storage, patience) is not None
    except StorageError:
        return SealSeen("unreadable")
    except BatchProcessError:
        return SealSeen("none")
    if head is None:
        return SealSeen("none", begun=begun)
    record = head.record
    return SealSeen(record.outcome if isinstance(record, Seal) else "none", record.cursor)
