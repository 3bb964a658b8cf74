"""The reducers' result over all shards: in role `finalize`, or by a script that runs alone."""

from collections.abc import Callable, Mapping, Sequence

from batchprocess.ledger.documents import Reduction
from batchprocess.ledger.metrics import reducer_entries
from batchprocess.ledger.read import read_shard
from batchprocess.protocol.control import Reduced
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import StorageUnavailable
from batchprocess.protocol.records import ReducerEntry
from batchprocess.runs.finish import finish
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform_all
from batchprocess.sdk.reduce.registered import RegisteredReducer, reduce_all
from batchprocess.sdk.reduce.stored_values import value_of
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.standalone_log import log_summary, log_that_others_go_on
from batchprocess.storage.base import Storage

Load = Callable[[str], bytes]
Reducers = Callable[[], Sequence[RegisteredReducer]]


class ShardReduction:
    """`reducers` gives those that the processor's `__init__` wraps; it may have to build it."""

    def __init__(
        self, reducers: Reducers, storage: Storage, load: Load, patience: Patience
    ) -> None:
        self._reducers, self._storage = reducers, storage
        self._load, self._patience = load, patience

    def of_all_shards(self, shards: int, where: Where) -> Reduced:
        """What the finalizer's child answers; StorageUnavailable if a shard has no seal."""
        flows = [read_shard(shard) for shard in range(shards)]
        ledgers = perform_all(flows, self._storage, self._patience)
        for ledger in ledgers:
            if ledger.outcome is None:
                # The finalizer has read one. Half of the values would pass for all of them.
                raise StorageUnavailable(
                    f"{self._storage.uri} shows no seal of shard {ledger.shard} any more"
                )
        made = self._reduce(reducer_entries(ledgers), where)
        return Reduced(metrics=dict(made.metrics), error=made.error)

    def finish_alone(self, job: WorkerEnvironment, shard: int, where: Where) -> None:
        """A script alone finalizes with its own processor, once every shard is sealed."""
        # Ours is sealed, or we would not be here: with one shard, nothing has to be read.
        others = [read_shard(other) for other in range(job.shards) if other != shard]
        ledgers = perform_all(others, self._storage, self._patience)
        if any(ledger.outcome is None for ledger in ledgers):
            log_that_others_go_on(self._storage.uri, shard)
            return
        summary = finish(
            self._storage,
            job=job.job,
            run_id=job.run_uri.rpartition("/")[2],
            reduce=lambda entries: self._reduce(entries, where),
            patience=self._patience,
            bad_rows_allowed=job.bad_rows_allowed,
            delta_log=job.delta_log,
        )
        log_summary(self._storage.uri, summary)

    def _reduce(self, entries: Mapping[str, Sequence[ReducerEntry]], where: Where) -> Reduction:
        """Outputs count whatever the reducers do, so their errors are reported, not raised."""
        try:
            with where.at("reduce"):
                metrics = reduce_all(
                    (one, [value_of(entry, self._load) for entry in entries.get(one.key, ())])
                    for one in self._reducers()
                )
        except KeyboardInterrupt:
            raise  # of a person, perhaps
        except BaseException as error:  # noqa: BLE001  of user code: it is in the summary
            return Reduction({}, where.sentence(error))
        return Reduction(metrics)
