"""What the actors do: the shipped flows, strung together as the SDK and the finalizer do."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from batchprocess.ledger import attempt as ledger
from batchprocess.ledger import documents, finalize
from batchprocess.ledger.bad_rows.clean import clean_bad_rows
from batchprocess.ledger.draft import StagedBadRows
from batchprocess.ledger.effects import Staged
from batchprocess.ledger.inputs import listing as inputs
from batchprocess.ledger.read import read_shard
from batchprocess.ledger.survey import table_names
from batchprocess.ledger.tables.cleaning import tables_to_clean
from batchprocess.protocol.bad_rows import BadRow, encode_bad_rows
from batchprocess.protocol.errors import BatchProcessError
from batchprocess.protocol.inputs.listing import InputListing, ListedPart
from batchprocess.protocol.records import digest
from batchprocess.protocol.run import RunInfo
from batchprocess.protocol.sharding import ShardPlan
from explorer.checkers import FOLLOWS

JOB = "20260101T000000Z-job"
AT = "2026-01-01T00:00:00+00:00"


@dataclass
class Nonces:
    """Draws `prefix` and a number, in hex; its repr tells how many were drawn."""

    prefix: str
    drawn: int = 0

    def __call__(self) -> str:
        self.drawn += 1
        return f"{self.prefix}{self.drawn}".encode().hex().ljust(32, "0")


def identity(name: str, start: int, process: str = "") -> ledger.Identity:
    """Deterministic nonces, so that a replay writes the same bytes; unique for each process."""
    attempt = f"{name}{start}{process}"
    return ledger.Identity(0, JOB, attempt, Nonces(f"{attempt}n"), lambda: AT)


def staged(text: str) -> Staged:
    body = text.encode()
    return Staged(body, len(body), hashlib.sha256(body).hexdigest())


def draft(me: ledger.Identity, first: int, end: int) -> ledger.Draft:
    """Every attempt computes other bytes for the same batch, as GPUs do; the first has a table."""
    body = staged(f"{me.attempt} {first}")
    files = (("batch", body),) if end > first > 0 else ()
    tables = (("rows.jsonl", body),) if end > first == 0 else ()
    left_out = bad_rows(me, first, end)
    return ledger.Draft((first, end), (first, end), files, tables, bad_rows=left_out)


def bad_rows(me: ledger.Identity, first: int, end: int) -> StagedBadRows | None:
    """The first row of the shard is bad, and every attempt says it in other words."""
    if first or not end:
        return None
    row = BadRow(row=0, batch=0, stage="reading", type="ValueError", message=me.attempt)
    return StagedBadRows(1, staged(encode_bad_rows([row]).decode()))


def worker(
    batches: int, claim: Callable[..., Any] = ledger.claim, at_once: int = 1
) -> Callable[[str, int], Any]:
    """Claim, one commit for as many batches, seal; returns the exit code.

    Of batches that run side by side as many are finished at a time as chance has it.
    """

    def script(name: str, start: int) -> Any:
        me = identity(name, start)
        try:
            claimed = yield from claim(me, max_without_progress=None)
            at = claimed.position
            while at.cursor < batches:
                end = min(at.cursor + at_once, batches)
                at = yield from ledger.commit(me, at, draft(me, at.cursor, end))
            yield from ledger.seal(me, at, draft(me, batches, batches), batches=batches)
        except BatchProcessError as error:
            return int(error.exit_code)
        return 0

    return script


def follower(batches: int, claim: Callable[..., Any] = ledger.claim) -> Callable[[str, int], Any]:
    """As a worker, but its first batch raises, and is another process's, which follows it."""

    def script(name: str, start: int) -> Any:
        me = identity(name, start)
        try:
            claimed = yield from claim(me, max_without_progress=None)
            asking, me = me, identity(name, start, FOLLOWS)
            claimed = yield from claim(me, max_without_progress=None, follows=asking.attempt)
            at = claimed.position
            while at.cursor < batches:
                at = yield from ledger.commit(me, at, draft(me, at.cursor, at.cursor + 1))
            yield from ledger.seal(me, at, draft(me, batches, batches), batches=batches)
        except BatchProcessError as error:
            return int(error.exit_code)
        return 0

    return script


def finalizer(batches: int) -> Callable[[str, int], Any]:
    """Close, check, publish, clean the one shard; a run that is final is checked and cleaned."""

    def script(name: str, start: int) -> Any:
        me = identity(name, start)
        plan = ShardPlan(batches, 1, 1)
        run = RunInfo(rows=batches, batch_size=1, batches=batches, shards=1, processor="P")
        try:
            if (yield from finalize.finished()) is not None:
                ledgers = [(yield from read_shard(me.shard))]
                yield from finalize.check(ledgers, plan)
                yield from finalize.require_final(ledgers)
                yield from finalize.clean(ledgers, (yield from tables_to_clean()))
                yield from clean_bad_rows(ledgers)
                return 0
            tables = yield from table_names()
            ledgers = [(yield from finalize.close(me, plan, tables=tables))]
            yield from finalize.check(ledgers, plan)
            summary = documents.summarize("run", run, ledgers, documents.Reduction({}), AT)
            yield from finalize.publish(summary, ledgers)
            yield from finalize.clean(ledgers, (yield from tables_to_clean()))
            yield from clean_bad_rows(ledgers)
        except BatchProcessError as error:
            return int(error.exit_code)
        return 0

    return script


SOURCE = "5" * 32


def found_by(name: str, start: int) -> tuple[InputListing, tuple[bytes, ...]]:
    """What an attempt sees of a folder that grows: each start another number of objects."""
    more = "LM".index(name[1:] or "L") + 2 * start
    parts = tuple(f"{number}\n".encode() for number in range(1 + more))
    known = tuple(ListedPart(objects=1, size=len(one), sha256=digest(one)) for one in parts)
    listing = InputListing(
        roots=("r",), objects=len(parts), bytes=0, fingerprint="f" * 64, parts=known
    )
    return listing, parts


def lister(keep: Callable[..., Any] = inputs.keep_listing) -> Callable[[str, int], Any]:
    """Read the run's listing, or list and keep that; returns how many objects the run reads."""

    def script(name: str, start: int) -> Any:
        listing = yield from inputs.read_listing(SOURCE)
        if listing is None:
            mine, parts = found_by(name, start)
            listing = yield from keep(SOURCE, mine, parts.__getitem__)
        return listing.objects

    return script
