"""Runs with a table of Parquet, made by the ledger's own code."""

import base64
import hashlib
import io
from collections.abc import Sequence
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batchprocess.ledger.attempt import claim, commit, seal
from batchprocess.ledger.documents import Reduction
from batchprocess.ledger.draft import Draft
from batchprocess.ledger.effects import Staged
from batchprocess.ledger.identity import Identity
from batchprocess.ledger.run import open_run, plan_of
from batchprocess.ledger.tables.table_schemas import agree_on
from batchprocess.protocol.run import LAYOUT, RunInfo
from batchprocess.protocol.tables.table_schema import SchemaColumn, TableSchema
from batchprocess.runs.finish import finish
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.sdk.save.formats.arrow_statistics import ColumnStatistics
from batchprocess.storage.base import Storage

JOB = "20260101T000000Z-made"
AT = "2026-01-01T00:00:00.123456+00:00"
RUN = RunInfo(rows=8, batch_size=2, batches=4, shards=2, processor="P", layout=LAYOUT)


def rows_of(first: int, end: int) -> pa.Table:
    ids = list(range(first, end))
    vectors = pa.FixedSizeListArray.from_arrays(pa.array([i / 2 for i in ids for _ in "ab"]), 2)
    texts = [None if i % 3 == 0 else f"t,{i}" for i in ids]
    return pa.table({"id": ids, "text": texts, "vector": vectors})


def parquet_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, write_statistics=["id"])  # as `save` does
    return sink.getvalue()


def staged(body: bytes) -> Staged:
    """With statistics, if it is Parquet."""
    told = None
    if body.startswith(b"PAR1"):
        counted = ColumnStatistics()
        counted.add(pq.read_table(io.BytesIO(body)))
        told = counted.result()
    return Staged(body, len(body), hashlib.sha256(body).hexdigest(), told)


def keep_schema(storage: Storage, schema: pa.Schema, name: str) -> dict[str, str]:
    """As the first commit does; its digest, by name."""
    columns = tuple(SchemaColumn(name=one.name, type=str(one.type)) for one in schema)
    arrow = base64.b64encode(schema.serialize().to_pybytes()).decode()
    kept = perform(agree_on(TableSchema(name=name, columns=columns, arrow=arrow)), storage)
    return {name: kept.digest}


def work(storage: Storage, shard: int, files: Any, *, name: str = "rows.parquet") -> None:
    """Two commits of one batch, then the seal; `files(first, end)` gives bytes."""
    plan, numbers = plan_of(RUN), count()
    me = Identity(shard, JOB, f"a{shard}", lambda: f"{shard}{next(numbers):031x}", lambda: AT, 0)
    at = perform(claim(me, max_without_progress=3), storage).position
    for batch in range(plan.size(shard)):
        rows = plan.positions(shard, batch, batch + 1)
        body, schemas = files(*rows), {}
        if name.endswith(".parquet"):
            schemas = keep_schema(storage, pq.read_schema(io.BytesIO(body)), name)
        tables = ((name, staged(body)),)
        draft = Draft((batch, batch + 1), rows, tables=tables, schemas=schemas)
        at = perform(commit(me, at, draft), storage)
    end = plan.size(shard)
    last = Draft((end, end), plan.positions(shard, end, end))
    perform(seal(me, at, last, batches=end), storage)


def complete(
    storage: Storage,
    files: Any = lambda first, end: parquet_of(rows_of(first, end)),
    *,
    name: str = "rows.parquet",
    delta_log: bool = True,
) -> None:
    """A run of eight rows in four files, of which the first one has the table's schema."""
    perform(open_run(RUN), storage)
    for shard in range(RUN.shards):
        work(storage, shard, files, name=name)
    end(storage, delta_log=delta_log)


def end(storage: Storage, shards: Sequence[int] | None = None, *, delta_log: bool = True) -> None:
    """As the finalizer does."""
    finish(
        storage,
        job=JOB,
        run_id=storage.uri.rpartition("/")[2],
        reduce=lambda _entries: Reduction({}),
        patience=Patience(5),
        failed=shards,
        delta_log=delta_log,
    )
