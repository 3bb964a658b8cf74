"""What the records hold for metrics: reported values by group, and reducer values in order."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO

from batchprocess.ledger.read import ShardLedger
from batchprocess.protocol.file_names import is_metric_group
from batchprocess.protocol.records import ReducerEntry

METRICS_PREFIX = "metrics/"


def metric_documents(ledgers: Iterable[ShardLedger]) -> Iterator[tuple[str, bytes]]:
    """`metrics/<group>.jsonl` for every group: key and body, in shard and record order."""
    documents: dict[str, BytesIO] = defaultdict(BytesIO)
    for ledger in ledgers:
        for key, line in metric_lines(ledger):
            documents[key].write(line)
    for key in sorted(documents):
        yield key, documents.pop(key).getvalue()


def metric_lines(ledger: ShardLedger) -> Iterator[tuple[str, bytes]]:
    """What one shard adds to each of these: key and line, in record order."""
    for body in ledger.bodies:
        for entry in body.metrics:
            row = {
                "shard": ledger.shard,
                "steps_completed": entry.steps_completed,
                "metrics": entry.metrics,
            }
            yield f"{METRICS_PREFIX}{entry.group}.jsonl", f"{json.dumps(row)}\n".encode()


def is_metric_key(key: str) -> bool:
    """Whether a group that records name makes a key that any store may be asked for."""
    return is_metric_group(key.removeprefix(METRICS_PREFIX).removesuffix(".jsonl"))


def reducer_entries(ledgers: Iterable[ShardLedger]) -> dict[str, list[ReducerEntry]]:
    """The values that count for each reducer, ordered by shard, then record.

    function: every commit's own updates. slot: of each attempt the value in its last durable
    record (it is cumulative since the attempt's start). state: of each shard the last value,
    because the next attempt has loaded the one before.
    """
    entries: dict[str, list[ReducerEntry]] = defaultdict(list)
    for ledger in ledgers:
        latest: dict[tuple[str, str], ReducerEntry] = {}
        for body in ledger.bodies:
            for entry in body.reducers:
                owner = {"function": str(body.seq), "slot": body.attempt, "state": ""}[entry.kind]
                latest[(entry.name, owner)] = entry
        for (name, _), entry in latest.items():
            entries[name].append(entry)
    return dict(entries)
