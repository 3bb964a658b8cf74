"""Large uploads on a server that errs: parts are sent again, and nothing is left of a failure."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batchprocess.protocol.errors import OutcomeUnknown
from batchprocess.storage import s3, s3_multipart
from batchprocess.storage.s3 import S3Storage
from support.storage.fault_proxy import FaultProxy, Faults, fault_proxy
from support.storage.s3_server import Server
from support.storage.s3_stores import open_s3

pytestmark = pytest.mark.slow
SMALL_PART = 5 << 20


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of twelve parts."""
    monkeypatch.setattr(s3_multipart, "PART", SMALL_PART)
    monkeypatch.setattr(s3, "PART", SMALL_PART)
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * (12 * SMALL_PART // 256))
    return path


@pytest.fixture
def proxy(gateway: Server) -> Iterator[FaultProxy]:
    with fault_proxy(gateway.endpoint, Faults(error_500=0.2, slow_down=0.2), seed=5) as made:
        yield made


def unfinished(store: S3Storage) -> tuple[str, ...]:
    return store.remove_leftovers(before=datetime.now(UTC) + timedelta(1))


def test_a_refused_part_is_sent_again(
    gateway: Server, proxy: FaultProxy, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = open_s3(gateway, "parts", monkeypatch)
    client = S3Storage(gateway.bucket, "parts", gateway.through(proxy.endpoint).settings())
    while True:
        try:
            client.upload("large", large)
            break
        except OutcomeUnknown:
            # The first and the last request are not parts; the ledger repeats the whole upload.
            assert direct.stat("large") is None
    assert proxy.done["slow_down"] + proxy.done["error_500"] > 3
    found = hashlib.sha256(b"".join(direct.read("large"))).hexdigest()
    assert found == hashlib.sha256(large.read_bytes()).hexdigest()


def test_a_failed_upload_is_aborted_and_an_outages_leftover_can_be_removed(
    gateway: Server, proxy: FaultProxy, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = open_s3(gateway, "aborted", monkeypatch)
    monkeypatch.setattr(s3_multipart, "TRIES", 1)
    client = S3Storage(gateway.bucket, "aborted", gateway.through(proxy.endpoint).settings())
    refused = 0
    for _ in range(10):
        try:
            client.upload("large", large)
        except OutcomeUnknown:
            refused += 1
    assert refused > 5
    # Some aborts failed too: those uploads are what `batchprocess clean` removes.
    left = unfinished(direct)
    assert len(left) < refused
    assert unfinished(direct) == ()
