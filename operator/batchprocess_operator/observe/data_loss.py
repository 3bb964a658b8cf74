"""Whether storage has lost records that it had. Pure."""

from batchprocess.api.status import Status
from batchprocess_operator.model.observed import Observed
from batchprocess_operator.observe.shard_numbers import numbers


def regressed(before: Status, observed: Observed, total: int) -> dict[int, tuple[int, int]]:
    """Shards whose newer claim stands on an older cursor than the status had: storage lost data."""
    cursors, claims = numbers(before.cursors, total), numbers(before.claims, total)
    found = dict(observed.reported.regressed)
    for shard, report in observed.reported.shards.items():
        newer = 0 <= shard < total and report.claim > claims[shard]
        if newer and report.cursor < cursors[shard]:
            found[shard] = (cursors[shard], report.cursor)
    return found
