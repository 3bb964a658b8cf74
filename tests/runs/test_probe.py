"""Stores that would let two workers own one shard are refused; a sound one is left as it was."""

import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from batchprocess.protocol.errors import (
    OutcomeUnknown,
    StorageUnavailable,
    UnsafeStorage,
)
from batchprocess.runs import probe as module
from batchprocess.runs.patience import Patience
from batchprocess.runs.probe import RACERS, probe
from batchprocess.storage.factory import open_storage
from support.patience import patience
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.racy_server import racy_server
from support.storage.s3_server import Server
from support.storage.s3_stores import open_s3


class Ending(ThreadPoolExecutor):
    """Starts a few threads, then answers as all executors do in an interpreter that ends."""

    started = 0

    def submit(self, *args: Any, **named: Any) -> Future[Any]:
        if self.started == 5:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")
        self.started += 1
        return super().submit(*args, **named)


def test_racers_that_have_started_do_not_keep_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ThreadPoolExecutor", Ending)
    storage = open_storage(str(tmp_path / "run"))
    # Hangs, joining the five, if they wait for the others.
    with pytest.raises(RuntimeError, match="shutdown"):
        module.probe(storage, lambda: "nonce")
    assert list(storage.list()) == []


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


def nonce() -> str:
    return secrets.token_hex(8)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["checks_first", "ignores"])
def test_a_store_that_lets_two_creates_win_is_refused(fault, monkeypatch):
    with racy_server(fault) as server:
        store = open_s3(server, "run", monkeypatch)
        with pytest.raises(UnsafeStorage, match="a file system that all workers share"):
            probe(store, nonce)
        assert list(store.list()) == []


@pytest.mark.slow
def test_the_same_server_without_its_fault_passes(monkeypatch):
    with racy_server("none") as server:
        store = open_s3(server, "run", monkeypatch)
        probe(store, nonce)
        assert list(store.list()) == []


@pytest.mark.slow
def test_a_real_server_passes(gateway: Server, monkeypatch):
    store = open_s3(gateway, "probed", monkeypatch)
    probe(store, nonce)
    assert list(store.list()) == []
