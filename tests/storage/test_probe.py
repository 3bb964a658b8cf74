"""The probe over the wire: servers that would let two workers own one shard are refused."""

import secrets

import pytest

from batchprocess.protocol.errors import UnsafeStorage
from batchprocess.runs.probe import probe
from storage.conftest import open_s3
from support.storage.racy_server import racy_server
from support.storage.s3_server import Server

pytestmark = pytest.mark.slow


def nonce() -> str:
    return secrets.token_hex(8)


@pytest.mark.parametrize("fault", ["checks_first", "ignores"])
def test_a_store_that_lets_two_creates_win_is_refused(fault, monkeypatch):
    with racy_server(fault) as server:
        store = open_s3(server, "run", monkeypatch)
        with pytest.raises(UnsafeStorage, match="output.fencing: none"):
            probe(store, nonce)
        assert list(store.list()) == []


def test_the_same_server_without_its_fault_passes(monkeypatch):
    with racy_server("none") as server:
        store = open_s3(server, "run", monkeypatch)
        probe(store, nonce)
        assert list(store.list()) == []


def test_a_real_server_passes(gateway: Server, monkeypatch):
    store = open_s3(gateway, "probed", monkeypatch)
    probe(store, nonce)
    assert list(store.list()) == []
