"""Reports on shards, and the view of all shards that comes of them."""

from batchprocess.protocol.run import RunShape
from batchprocess_operator.model.observed import Observed
from batchprocess_operator.model.reported import Reported, ShardReport
from batchprocess_operator.observe.shards import read_shards
from support.operator.objects import NOW, job

SHAPE = RunShape(rows=37, batch_size=4, batches=10)  # 3, 3, 2, 2 batches


def report(shard: int, **fields) -> ShardReport:
    usual = {"claim": 1, "cursor": 0, "total": 3, "processed": 0, "phase": "running"}
    usual |= {"sealed": False, "received": NOW, "advanced": NOW}
    return ShardReport(shard=shard, **(usual | fields))


def look(one=None, children=(), pods=(), gone=(), reports=(), shape=None, **spec):
    one = one or job(**spec)
    heard = Reported({told.shard: told for told in reports}, shape)
    seen = Observed(tuple(children), tuple(pods), tuple(gone), heard)
    return read_shards(one.body, one.before, seen)
