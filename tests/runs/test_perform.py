"""Effects on storage that fails: what is tried again, how long, and what is final."""

import threading
import time
from collections import Counter
from itertools import count

import pytest

from batchprocess.ledger.effects import Create, CreateReply, Get, GetMany, Upload
from batchprocess.ledger.head import find_head
from batchprocess.ledger.run import open_run
from batchprocess.protocol.errors import (
    FileChanged,
    OutcomeUnknown,
    StorageDenied,
    StorageUnavailable,
    VerificationError,
)
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import FLOWS, REQUESTS, perform, perform_all
from batchprocess.sdk.output.upload_files import describe
from batchprocess.storage.local import LocalStorage
from support.ledger_steps import RUN
from support.patience import patience
from support.storage.fake_storage import FakeMemoryStorage


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


def test_however_many_flows_and_keys_there_are_only_so_many_requests_run_at_a_time():
    store, lock = FakeMemoryStorage(), threading.Lock()
    now, most = 0, 0

    def slow_get(_key):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.001)
        with lock:
            now -= 1

    store.get = slow_get

    def flow():
        yield Get("one")
        return len((yield GetMany(tuple("many"))))

    assert perform_all([flow() for _ in range(200)], store) == [4] * 200
    assert 1 < most <= FLOWS + REQUESTS


def test_a_failure_ends_flows_beside_it_that_wait_to_try_again():
    store, waiting = FakeMemoryStorage(), threading.Event()

    def get(key):
        if key == "never":
            waiting.set()
            raise OutcomeUnknown("x")
        waiting.wait(30)
        raise VerificationError("broken")

    store.get = get

    def flow(key):
        yield Get(key)

    with pytest.raises(VerificationError):
        perform_all([flow("first"), flow("never")], store, Patience(10_000))


def uploaded(store, source, staged):
    def flow():
        yield Upload((("data/00000/00000002-n/deep/log", staged),))

    perform(flow(), store, patience())


@pytest.mark.parametrize(
    ("after", "now"), [(b"first, second", "now it has 13"), (b"fisrt", "now it has 5, or other")]
)
def test_a_file_that_has_changed_since_it_was_handed_over_is_named_at_once(tmp_path, after, now):
    (source := tmp_path / "log").write_bytes(b"first")
    staged = describe(source)
    uploaded(store := LocalStorage(tmp_path / "run"), source, staged)
    source.write_bytes(after)
    with pytest.raises(
        FileChanged, match=f"'deep/log' changed after it was handed over: it had 5 bytes.*{now}"
    ) as raised:
        uploaded(store, source, staged)
    assert raised.value.exit_code == ExitCode.USER_CODE


def test_a_file_that_was_removed_since_it_was_handed_over_is_named_at_once(tmp_path):
    (source := tmp_path / "log").write_bytes(b"first")
    staged = describe(source)
    source.unlink()
    with pytest.raises(FileChanged, match="'deep/log' changed.*it is gone; close a file before"):
        uploaded(LocalStorage(tmp_path / "run"), source, staged)
