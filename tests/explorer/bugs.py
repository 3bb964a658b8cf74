"""Planted bugs: plausible ways to write the ledger wrong. The explorer must see them all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from batchprocess.ledger import attempt as ledger
from batchprocess.ledger import check, draft, finalize, survey
from batchprocess.ledger.create import create, create_record
from batchprocess.ledger.effects import Create, CreateReply, Delete, Get, ListSizes, Pause
from batchprocess.ledger.head import Stored, find_head
from batchprocess.ledger.identity import require_followed
from batchprocess.ledger.inputs import listing as inputs
from batchprocess.ledger.read import read_shard
from batchprocess.protocol.errors import Fenced, ShardSealed
from batchprocess.protocol.inputs.listing import InputListing, listed_part_key, listing_key
from batchprocess.protocol.records import Claim, encode, record_key
from batchprocess.protocol.run import encode_document, parse_document
from explorer import scripts, typed
from explorer.explore import begin
from explorer.world import World

BATCHES = 2


@dataclass(frozen=True)
class Bug:
    """`patched` while exploring `world`; `rules` are the checkers that may see it."""

    world: Callable[[], World]
    rules: frozenset[str]
    patched: Callable[[], Any] = lambda: mock.patch.object(ledger, "_PLANTED", True, create=True)


def _rivals(worker: Any = None, final: Any = None, *, overwriting: bool = False) -> World:
    worker = worker or scripts.worker(BATCHES)
    final = final or scripts.finalizer(BATCHES)
    actors = (("A", worker, 0), ("B", worker, 0), ("F", final, 0))
    return begin(*actors, faults=2, overwriting=overwriting)


def _no_claim(me: ledger.Identity, **_: Any) -> Any:
    head = yield from find_head(me.shard)
    ledger.refuse_finished(head, me)
    if head is None:
        # Somebody must begin the ledger; after that this bug commits on any head it finds.
        return (yield from ledger.claim(me, max_without_progress=None))
    record = head.record
    at = ledger.Position(record.seq, head.digest, record.cursor, min(record.cursor, 1))
    return ledger.Claimed(at, None)


def _stale_cursor(me: ledger.Identity, **_: Any) -> Any:
    head = yield from find_head(me.shard)
    early = head.record.cursor if head else 0
    claimed = yield from ledger.claim(me, max_without_progress=None)
    return replace(claimed, position=replace(claimed.position, cursor=early))


def _lost_race_is_fencing(me: ledger.Identity, **_: Any) -> Any:
    head = yield from find_head(me.shard)
    ledger.refuse_finished(head, me)
    record = ledger._claim_on(head, me)
    body = encode(record)
    if (yield from create_record(record, body)) is not None:
        raise Fenced("lost a claim race")
    return ledger.Claimed(_position(record, body), None)


def _position(record: Claim, body: bytes) -> ledger.Position:
    """Of a claim; the first row of the shard is bad."""
    return ledger._position(record, body, min(record.cursor, 1))


def _claim_after_seal(me: ledger.Identity, **_: Any) -> Any:
    head = yield from find_head(me.shard)
    while True:
        record: Claim = ledger._claim_on(head, me)
        body = encode(record)
        rival = yield from create_record(record, body)
        if rival is None:
            break
        head = Stored.parse(rival, shard=me.shard, seq=record.seq)
    at = _position(record, body)
    if at.cursor >= BATCHES:
        raise ShardSealed("done already")
    return ledger.Claimed(at, None)


def _clean_before_close(name: str, start: int) -> Any:
    ledgers = [(yield from read_shard(0))]
    yield from finalize.clean(ledgers)
    return (yield from scripts.finalizer(BATCHES)(name, start))


def _clean_by_half_a_ledger(name: str, start: int) -> Any:
    code = yield from scripts.finalizer(BATCHES)(name, start)
    if (yield from finalize.finished()) is not None:
        whole = yield from read_shard(0)
        half = replace(whole.records, packed=whole.records.packed[:-2])
        yield from finalize.clean([replace(whole, records=half)])
    return code


def _new_nonce_on_retry(record: Any, body: bytes) -> Any:
    key, tries = record_key(record.shard, record.seq), 0
    while True:
        reply = yield Create(key, body)
        if reply is CreateReply.CREATED:
            return None
        stored = yield Get(key)
        if stored is not None:
            return None if stored == body else stored
        tries += 1
        yield Pause(tries)
        body = encode(record.model_copy(update={"nonce": f"{record.nonce}r{tries}"}))


def _clean_up_on_timeout(record: Any, body: bytes) -> Any:
    reply = yield Create(record_key(record.shard, record.seq), body)
    if reply is CreateReply.UNKNOWN:
        files = getattr(record, "files", ())
        yield Delete(tuple(item.key for item in files))
    return (yield from create_record(record, body))


def _clean_up_on_exists(record: Any, body: bytes) -> Any:
    """Takes a number that is taken for another's, though it may be by its own earlier request."""
    reply = yield Create(record_key(record.shard, record.seq), body)
    if reply is CreateReply.EXISTS and getattr(record, "files", ()):
        yield Delete(tuple(item.key for item in record.files))
    return (yield from create_record(record, body))


def _repeated_create(record: Any, body: bytes) -> Any:
    """As a client library does that repeats what it had no answer to: the second says EXISTS."""
    yield Create(record_key(record.shard, record.seq), body)
    return (yield from _clean_up_on_exists(record, body))


def _whole_folder_cleaned(shard: int, tables: Any) -> Any:
    found = yield ListSizes(f"data/{shard:05d}/")
    for stem in tables:
        listed = yield ListSizes(f"tables/{stem}/")
        found = found | listed
    return found


@contextmanager
def _create_by(function: Any) -> Iterator[None]:
    with mock.patch.object(ledger, "create_record", function):
        yield


@contextmanager
def _deterministic_keys() -> Iterator[None]:
    def prefix(shard: int, _seq: int, _nonce: str) -> str:
        return f"data/{shard:05d}/00000000-x/"

    with (
        mock.patch.object(draft, "data_prefix", prefix),
        mock.patch.object(check, "data_prefix", prefix),
    ):
        yield


@contextmanager
def _deterministic_table_keys() -> Iterator[None]:
    def key(_name: str, shard: int, _seq: int, _nonce: str) -> str:
        return f"tables/rows/{shard:05d}-{1:08d}-{1:032x}.jsonl"

    own = mock.patch.object(check, "is_own_table_key", return_value=True)
    with mock.patch.object(draft, "table_key", key), own:
        yield


@contextmanager
def _follows_anybody() -> Iterator[None]:
    with mock.patch.object(ledger, "require_followed"):
        yield


def _looks_once(me: ledger.Identity, *, follows: str | None = None, **_: Any) -> Any:
    """Whoever loses the race for its number claims above the winner, as others do."""
    head = yield from find_head(me.shard)
    require_followed(head, me, follows)
    return (yield from ledger.claim(me, max_without_progress=None, follows=follows))


def _followed(claim: Any = ledger.claim) -> Callable[[], World]:
    actors = (("A", scripts.follower(1, claim), 0), ("B", scripts.worker(1), 0))
    return lambda: begin(*actors, faults=1)


def _listing_before_parts(source: str, mine: Any, part: Any) -> Any:
    key = listing_key(source)
    stored = yield from create(key, encode_document(mine, key))
    if stored is not None:
        return parse_document(InputListing, key, stored)
    for number, known in enumerate(mine.parts):
        yield from create(listed_part_key(source, known.sha256), part(number))
    return mine


def _own_listing(source: str, mine: Any, part: Any) -> Any:
    yield from inputs.keep_listing(source, mine, part)
    return mine


def _listers(keep: Any) -> Callable[[], World]:
    script = scripts.lister(keep)
    return lambda: begin(("L", script, 1), ("LM", script, 0), faults=2)


@contextmanager
def _forgotten_bad_rows() -> Iterator[None]:
    with mock.patch.object(ledger, "bad_rows_of", return_value=0):
        yield


@contextmanager
def _bad_rows_beside_the_number() -> Iterator[None]:
    """An older twin's bad rows stand where those of the record that counts should."""

    def key(prefix: str) -> str:
        return f"errors/{prefix.split('/')[1]}/x.jsonl"

    with (
        mock.patch.object(draft, "bad_rows_key", key),
        mock.patch.object(check, "bad_rows_key", key),
    ):
        yield


def _worker_with(claim: Any) -> Callable[[], World]:
    return lambda: _rivals(scripts.worker(BATCHES, claim))


def _typed(agree: typed.Agree) -> Callable[[], World]:
    script = typed.typed_worker(BATCHES, agree)
    return lambda: begin(("A", script, 1), ("B", script, 0), faults=2)


BUGS = {
    "follows whoever owns the shard": Bug(_followed(), frozenset({"follows"}), _follows_anybody),
    "looks whom it follows before its claim only": Bug(
        _followed(_looks_once), frozenset({"follows"}), _follows_anybody
    ),
    "schema overwritten": Bug(
        _typed(typed.agree_by_overwriting), frozenset({"schemas"}), nullcontext
    ),
    "schema that stands not looked at": Bug(
        _typed(typed.agree_with_oneself), frozenset({"schemas"}), nullcontext
    ),
    "schema not kept before the record": Bug(
        _typed(typed.agree_without_keeping), frozenset({"schemas"}), nullcontext
    ),
    "listing written before its parts": Bug(
        _listers(_listing_before_parts), frozenset({"listing"}), nullcontext
    ),
    "who loses reads his own listing": Bug(
        _listers(_own_listing), frozenset({"listing"}), nullcontext
    ),
    "bad rows forgotten by the next attempt": Bug(
        _rivals, frozenset({"bad rows"}), _forgotten_bad_rows
    ),
    "deterministic keys of bad rows": Bug(
        _rivals, frozenset({"files"}), _bad_rows_beside_the_number
    ),
    "deterministic data keys": Bug(_rivals, frozenset({"files"}), _deterministic_keys),
    "no claim": Bug(_worker_with(_no_claim), frozenset({"owner"})),
    "cursor read before the claim": Bug(_worker_with(_stale_cursor), frozenset({"once"})),
    "retry with a new nonce": Bug(
        _rivals,
        # The finalizer sees that the files' keys have another nonce than their record.
        frozenset({"exit 87", "contiguous", "manifest"}),
        lambda: _create_by(_new_nonce_on_retry),
    ),
    "lost claim race taken for fencing": Bug(
        _worker_with(_lost_race_is_fencing), frozenset({"exit 87"})
    ),
    "clean-up on time-out": Bug(
        _rivals, frozenset({"files"}), lambda: _create_by(_clean_up_on_timeout)
    ),
    "deterministic table keys": Bug(
        _rivals,
        # The finalizer may be the first to miss a file that another attempt took back.
        frozenset({"files", "manifest"}),
        _deterministic_table_keys,
    ),
    "clean-up for what one has created oneself": Bug(
        _rivals, frozenset({"files"}), lambda: _create_by(_repeated_create)
    ),
    "a stranger's file in a table cleaned": Bug(
        _rivals,
        frozenset({"foreign"}),
        lambda: mock.patch.object(survey, "files_of_shard", _whole_folder_cleaned),
    ),
    "rename instead of link": Bug(
        lambda: _rivals(overwriting=True),
        frozenset(
            {"contiguous", "owner", "once", "exit 0", "exit 87", "manifest", "nothing after a seal"}
        ),
    ),
    "orphans cleaned before closing": Bug(
        lambda: _rivals(final=_clean_before_close), frozenset({"files"})
    ),
    "claim after a seal": Bug(
        _worker_with(_claim_after_seal), frozenset({"nothing after a seal", "exit 0"})
    ),
    "final run cleaned by a ledger that was read in part": Bug(
        lambda: _rivals(final=_clean_by_half_a_ledger), frozenset({"files"})
    ),
}
