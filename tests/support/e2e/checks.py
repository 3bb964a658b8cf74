"""What must hold of every run, whatever was done to it. Knows storage, not how it got there."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from batchprocess.ledger.read import ShardLedger, read_shard
from batchprocess.ledger.run import plan_of, read_run
from batchprocess.protocol.records import Claim
from batchprocess.runs.perform import perform, perform_all
from batchprocess.runs.results import results
from batchprocess.storage.factory import open_storage
from support.e2e.world import World

ROWS = 1797


def predictions(uri: str, world: World) -> list[dict[str, int]]:
    """Every output line of a run, in the order of its manifest."""
    lines: list[dict[str, int]] = []
    for file in results(uri, s3=world.settings()):
        lines += [json.loads(line) for line in file.read().decode().splitlines() if line]
    return lines


def ledgers(uri: str, world: World) -> list[ShardLedger]:
    """The ledgers of all shards."""
    storage = open_storage(uri, world.settings())
    run = perform(read_run(), storage)
    assert run is not None
    return perform_all([read_shard(shard) for shard in range(plan_of(run).shards)], storage)


def assert_exactly_once(uri: str, world: World, expected: Sequence[dict[str, int]]) -> None:
    """The output is that of the uninterrupted run: no row missing, none twice, in order."""
    found = predictions(uri, world)
    assert [line["row"] for line in found] == list(range(ROWS))
    assert found == list(expected)


def claims(uri: str, world: World) -> list[Claim]:
    """Every attempt that began, of all shards."""
    return [
        record
        for ledger in ledgers(uri, world)
        for record in (entry.record for entry in ledger.records)
        if isinstance(record, Claim)
    ]


@dataclass
class Seen:
    """Statuses of a job, in the order in which a watch told them."""

    statuses: list[dict[str, Any]] = field(default_factory=list)

    def assert_never_backwards(self) -> None:
        """Counters that a person reads as progress."""
        last = (0, 0, 0, 0)
        for status in self.statuses:
            now = (
                status["shards"]["succeeded"],
                status["batches"]["done"],
                status.get("rows", 0),
                status.get("attempts", 0),
            )
            assert all(new >= old for new, old in zip(now, last, strict=True)), (last, now)
            last = now


@contextmanager
def watched(world: World, name: str) -> Iterator[Seen]:
    """Collect every status of a job while the block runs."""
    seen, over = Seen(), threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            status = world.status_or_none(name)
            if status and (not seen.statuses or status != seen.statuses[-1]):
                seen.statuses.append(status)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join(10)
