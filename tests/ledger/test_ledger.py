"""The ledger's rules, one fact a test, on a store in memory."""

import hashlib
import secrets
from collections import Counter
from itertools import count

import pytest

from batchprocess.ledger import finalize
from batchprocess.ledger.attempt import Draft, Identity, Staged, claim, commit, seal
from batchprocess.ledger.effects import Create, CreateReply
from batchprocess.ledger.head import find_head
from batchprocess.ledger.metrics import reducer_entries
from batchprocess.ledger.read import read_shard
from batchprocess.ledger.run import open_run
from batchprocess.protocol.errors import (
    DatasetChanged,
    NoProgress,
    OutcomeUnknown,
    RunMismatch,
    ShardClosed,
    ShardSealed,
    StorageDenied,
    StorageUnavailable,
    TakenOver,
    UnsafeStorage,
    VerificationError,
)
from batchprocess.protocol.records import Claim, encode, record_key
from batchprocess.protocol.run import RunInfo
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs.download import whole
from batchprocess.runs.local_runs import job_id_after
from batchprocess.runs.perform import Patience, perform
from batchprocess.runs.probe import RACERS, probe
from support.storage.fake_storage import FakeMemoryStorage

OLD, YOUNG = "20260101T000000Z-a", "20260102T000000Z-b"
AT = "2026-01-01T00:00:00+00:00"
RUN = RunInfo(rows=10, batch_size=1, batches=10, shards=1, processor="P")
PLAN = ShardPlan(10, 1, 1)


def me(attempt: str = "A", job: str = OLD, retry: int = 0) -> Identity:
    numbers = count()
    return Identity(0, job, attempt, lambda: f"{attempt}-{next(numbers)}", lambda: AT, retry)


def draft(first: int, end: int, text: str = "x") -> Draft:
    body = text.encode()
    staged = Staged(body, len(body), hashlib.sha256(body).hexdigest())
    files = (("out", staged),) if end > first else ()
    return Draft((first, end), (first, end), files)


def claimed(store, who):
    return perform(claim(who, max_without_progress=3), store).position


def completed(store, who):
    at = claimed(store, who)
    at = perform(commit(who, at, draft(at.cursor, 10)), store)
    return perform(seal(who, at, draft(10, 10), batches=10), store)


@pytest.mark.parametrize("length", [*range(40), 200, 1_000])
def test_the_head_is_found_with_few_reads(length):
    store = FakeMemoryStorage()
    for seq in range(1, length + 1):
        record = Claim(
            shard=0, seq=seq, prev=None, nonce="n", attempt="a", job=OLD, cursor=0, at=AT
        )
        store.objects[record_key(0, seq)] = encode(record)
    head = perform(find_head(0), store)
    assert (head.record.seq if head else 0) == length
    assert store.calls["get"] <= 4 * max(length, 1).bit_length() + 2


def test_a_claim_takes_the_cursor_of_the_record_below_it():
    store, first = FakeMemoryStorage(), me("A")
    at = claimed(store, first)
    perform(commit(first, at, draft(0, 4)), store)
    assert claimed(store, me("B")).cursor == 4


def test_a_complete_shard_is_not_claimed():
    store = FakeMemoryStorage()
    completed(store, me())
    before = dict(store.objects)
    with pytest.raises(ShardSealed):
        claimed(store, me("B"))
    assert store.objects == before


def test_an_abandoned_shard_says_to_start_another_run():
    store = FakeMemoryStorage()
    perform(finalize.close(me("F"), PLAN), store)
    with pytest.raises(ShardClosed, match="start another run"):
        claimed(store, me("B"))


def test_the_younger_of_two_jobs_wins():
    store = FakeMemoryStorage()
    claimed(store, me("A", OLD))
    claimed(store, me("B", YOUNG))
    with pytest.raises(TakenOver, match=YOUNG):
        claimed(store, me("C", OLD))
    with pytest.raises(TakenOver):
        perform(finalize.close(me("F", OLD), PLAN), store)


def test_claims_without_a_commit_are_counted_for_job_and_retry_alone():
    store = FakeMemoryStorage()
    for name in "ABC":
        claimed(store, me(name))
    before = dict(store.objects)
    with pytest.raises(NoProgress, match="3 attempts in a row"):
        claimed(store, me("D"))
    assert store.objects == before
    claimed(store, me("E", retry=1))


def test_a_commit_must_begin_at_the_cursor_and_a_seal_at_the_end():
    store, who = FakeMemoryStorage(), me()
    at = claimed(store, who)
    with pytest.raises(VerificationError, match="cannot follow 0"):
        perform(commit(who, at, draft(1, 2)), store)
    with pytest.raises(VerificationError, match="cannot be sealed at 0"):
        perform(seal(who, at, draft(10, 10), batches=10), store)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"batch_size": 2}, RunMismatch, "batchSize is 2, but this run was started with 1;"),
        ({"shards": 2}, RunMismatch, "shards is 2.*start another run .batchprocess run --fresh"),
        ({"processor": "Q"}, RunMismatch, "processor is 'Q'"),
        ({"max_batches": 3}, RunMismatch, "maxBatches is 3"),
        ({"rows": 9}, DatasetChanged, "9 rows here, but the run was started with 10"),
        ({"fingerprint": "0123456789abcdef"}, DatasetChanged, "fingerprint is 0123456789ab here"),
        ({"fingerprint": None}, DatasetChanged, "is the data random, or are file lists unsorted"),
    ],
)
def test_a_run_cut_otherwise_is_refused_with_both_values(change, error, sentence):
    store, run = FakeMemoryStorage(), RUN.model_copy(update={"fingerprint": "f"})
    perform(open_run(run), store)
    with pytest.raises(error, match=sentence):
        perform(open_run(run.model_copy(update=change)), store)
    assert perform(open_run(run.model_copy(update={"versions": {"x": "1"}})), store) == run


def test_a_run_that_began_without_a_fingerprint_takes_any():
    store = FakeMemoryStorage()
    perform(open_run(RUN), store)
    assert perform(open_run(RUN.model_copy(update={"fingerprint": "f"})), store) == RUN


def finalized(store):
    ledgers = [perform(finalize.close(me("F"), PLAN), store)]
    perform(finalize.check(ledgers, PLAN), store)
    reduced = finalize.Reduction({})
    summary = finalize.summarize("r", RUN, ledgers, reduced, f"{AT[:-7]}9+00:00")
    return ledgers, perform(finalize.publish(summary, ledgers), store)


def test_finalizing_twice_writes_the_same_and_keeps_the_first_summary():
    store = FakeMemoryStorage()
    completed(store, me())
    _, first = finalized(store)
    before = dict(store.objects)
    _, second = finalized(store)
    assert (second, store.objects) == (first, before)
    assert (first.rows, first.batches, first.files) == (10, 10, 1)


def test_another_manifest_than_the_ledgers_is_an_error():
    store = FakeMemoryStorage()
    completed(store, me())
    store.objects["manifest.jsonl"] = b"{}"
    with pytest.raises(VerificationError, match=r"manifest.jsonl exists and differs"):
        finalized(store)
    assert "_SUCCESS" not in store.objects


def test_a_missing_file_is_named_and_nothing_is_published():
    store = FakeMemoryStorage()
    completed(store, me())
    key = next(key for key in store.objects if key.startswith("data/"))
    del store.objects[key]
    with pytest.raises(VerificationError, match=f"names {key}, which is missing"):
        finalized(store)
    assert "_SUCCESS" not in store.objects


def test_cleaning_removes_what_no_record_names_and_nothing_else():
    store = FakeMemoryStorage()
    completed(store, me())
    store.objects["data/00000/00000009-zombie/out"] = b"late"
    store.objects["data/00001/other-shard"] = b"kept"
    ledgers, _ = finalized(store)
    kept = set(store.objects) - {"data/00000/00000009-zombie/out"}
    assert perform(finalize.clean(ledgers), store) == []
    assert set(store.objects) == kept


def test_slots_are_attempts_functions_are_commits_and_states_are_shards():
    store = FakeMemoryStorage()
    for who, span, values in (("A", (0, 4), (1, 2)), ("B", (4, 10), (3,))):
        at = claimed(store, me(who))
        for number, value in enumerate(values):
            step = (span[1] - span[0]) // len(values)
            first = span[0] + number * step
            made = draft(first, first + step)
            at = perform(commit(me(f"{who}", OLD), at, _with_values(made, value)), store)
    entries = reducer_entries([perform(read_shard(0), store)])
    assert {name: [e.value for e in found] for name, found in entries.items()} == {
        "function": [1, 2, 3],
        "slot": [2, 3],
        "state": [3],
    }


def _with_values(made, value):
    from dataclasses import replace

    from batchprocess.ledger.attempt import StagedReducer
    from batchprocess.protocol.records import ReducerEntry

    kinds = ("function", "slot", "state")
    entries = tuple(
        StagedReducer(ReducerEntry(name=kind, kind=kind, value=value)) for kind in kinds
    )
    return replace(made, reducers=entries, files=())


def patience(**changes):
    now = count(0, 10)
    settings = {"clock": lambda: next(now), "sleep": lambda _s: None, "jitter": lambda: 1.0}
    return Patience(deadline_seconds=25, **(settings | changes))


def test_a_lost_answer_is_read_back_and_the_same_bytes_are_sent_again():
    store = FakeMemoryStorage()
    store.fail("create", OutcomeUnknown("lost"), times=2)
    perform(open_run(RUN), store, patience())
    assert store.calls == Counter(create=3, get=2)


def test_an_outage_past_the_deadline_ends_with_its_reason():
    store = FakeMemoryStorage()
    store.fail("create", OutcomeUnknown("reset by peer"), times=99)
    with pytest.raises(StorageUnavailable, match="failed for .* s, last: reset by peer"):
        perform(open_run(RUN), store, patience())


def test_a_person_is_told_that_storage_fails_but_not_of_every_hiccup(caplog):
    store, now = FakeMemoryStorage(), count(0, 2)
    store.fail("create", OutcomeUnknown("no space"), times=60)
    long = Patience(1_000, clock=lambda: next(now), sleep=lambda _s: None, jitter=lambda: 1.0)
    perform(open_run(RUN), store, long)
    assert caplog.messages == [
        "storage has failed for 6 s and is tried again: no space",
        "storage has failed for 66 s and is tried again: no space",
    ]


def test_a_store_that_reads_but_never_writes_meets_the_deadline_too():
    store = FakeMemoryStorage()
    store.fail("create", StorageDenied("read-only"), times=99)
    with pytest.raises(StorageUnavailable, match="read-only"):
        perform(open_run(RUN), store, patience())


def test_a_store_that_says_taken_but_shows_nothing_meets_the_deadline_too():
    store = FakeMemoryStorage()
    store.create = lambda _key, _body: False
    with pytest.raises(StorageUnavailable, match="run.json is said to exist but cannot be read"):
        perform(open_run(RUN), store, patience())


def test_a_refusal_is_final_where_nothing_has_begun():
    store = FakeMemoryStorage()
    store.fail("create", StorageDenied("no"), times=1)
    with pytest.raises(StorageDenied):
        perform(open_run(RUN), store, patience(refusal_is_final=True))


def test_waits_grow_and_are_bounded():
    waits = []
    store = FakeMemoryStorage()
    store.fail("get", OutcomeUnknown("x"), times=12)
    long = Patience(10_000, sleep=waits.append, jitter=lambda: 1.0)
    perform(find_head(0), store, long)
    assert waits == sorted(waits)
    assert waits[-1] == 10.0


def test_a_create_is_sent_once_for_each_effect():
    store = FakeMemoryStorage()
    store.fail("create", OutcomeUnknown("lost"), times=1)

    def flow():
        return (yield Create("k", b"v"))

    assert perform(flow(), store, patience()) is CreateReply.UNKNOWN
    assert store.calls["create"] == 1


def test_a_store_where_every_create_wins_is_refused():
    with pytest.raises(UnsafeStorage, match="a second create of one key won"):
        probe(FakeMemoryStorage(exclusive=False), lambda: secrets.token_hex(8))


def test_a_sound_store_passes_the_probe_and_is_left_as_it_was():
    store = FakeMemoryStorage()
    probe(store, lambda: secrets.token_hex(8))
    assert store.objects == {}


def test_a_probe_that_is_told_nothing_tries_again_on_fresh_keys():
    store = FakeMemoryStorage()
    store.fail("create", OutcomeUnknown("slow down"), times=45)
    store.fail("get", OutcomeUnknown("slow down"), times=3)
    probe(store, lambda: secrets.token_hex(8), Patience(10_000, sleep=lambda _s: None))
    assert store.calls["create"] > 45 + 2 + 3 * RACERS
    assert store.objects == {}


def test_a_probe_that_is_told_nothing_for_too_long_gives_up():
    store = FakeMemoryStorage()
    store.fail("create", OutcomeUnknown("slow down"), times=10_000)
    with pytest.raises(StorageUnavailable, match="slow down"):
        probe(store, lambda: secrets.token_hex(8), patience())


def test_a_reading_that_breaks_off_goes_on_behind_its_last_chunk():
    class Breaking(FakeMemoryStorage):
        def read(self, key: str, *, start: int = 0):
            starts.append(start)
            yield self.objects[key][start : start + 3]
            if start + 3 < len(self.objects[key]):
                raise OutcomeUnknown("reset")

    starts: list[int] = []
    store = Breaking()
    store.objects["k"] = b"abcdefgh"
    assert whole(store, "k", patience()) == b"abcdefgh"
    assert starts == [0, 3, 6]


def test_a_job_id_is_younger_than_every_other_whatever_the_clock_says():
    from datetime import UTC, datetime

    store = FakeMemoryStorage()
    claimed(store, me("A", YOUNG))
    head = perform(find_head(0), store)
    early = datetime(2025, 1, 1, tzinfo=UTC)
    assert job_id_after(early, [head]) > YOUNG
    assert job_id_after(datetime(2027, 1, 1, tzinfo=UTC), [head]).startswith("20270101T000000Z-")
