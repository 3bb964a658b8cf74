"""Large uploads on a server that errs: parts are sent again, and nothing is left of a failure."""

import hashlib
import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError, ConnectionClosedError

from batchprocess.backoff import Backoff
from batchprocess.protocol.errors import OutcomeUnknown
from batchprocess.storage import s3_multipart
from batchprocess.storage.base import Content
from batchprocess.storage.s3 import S3Storage
from batchprocess.storage.s3_client import Clients
from support.storage.fault_proxy import FaultProxy, Faults, fault_proxy
from support.storage.s3_server import Server
from support.storage.s3_stores import open_s3

pytestmark = pytest.mark.slow
SMALL_PART = 5 << 20


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of twelve parts."""
    monkeypatch.setattr(s3_multipart, "PART", SMALL_PART)
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


def test_no_thread_is_left_of_an_upload_however_it_ends(
    gateway: Server, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_s3(gateway, "threads", monkeypatch)
    clients, before = Clients(gateway.settings()), set(threading.enumerate())
    s3_multipart.upload_parts(clients, gateway.bucket, "threads/large", large)
    assert set(threading.enumerate()) <= before
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3_multipart.upload_parts(clients, "there-is-none", "threads/large", large)
    assert set(threading.enumerate()) <= before


def test_a_file_that_cannot_be_read_any_more_aborts_the_upload(
    gateway: Server, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = open_s3(gateway, "unread", monkeypatch)
    clients = Clients(gateway.settings())
    begun = "after-call.s3.CreateMultipartUpload"
    clients.for_parts().meta.events.register(
        begun, lambda **_: large.rename(large.with_name("moved"))
    )
    with pytest.raises(FileNotFoundError):
        s3_multipart.upload_parts(clients, gateway.bucket, "unread/large", large)
    assert direct.stat("large") is None
    assert unfinished(direct) == ()


def test_a_part_that_is_written_to_before_it_is_sent_is_told(
    gateway: Server, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_s3(gateway, "written", monkeypatch)
    clients, body = Clients(gateway.settings()), large.read_bytes()
    handed = Content(len(body), hashlib.sha256(body).hexdigest())

    def write(**_: object) -> None:
        with large.open("r+b") as file:
            file.seek(7 * SMALL_PART)
            file.write(b"other bytes")

    begun = "after-call.s3.CreateMultipartUpload"
    clients.for_parts().meta.events.register(begun, write)
    place = clients, gateway.bucket, "written/large", large
    assert not s3_multipart.upload_parts(*place, handed)
    body = large.read_bytes()
    assert s3_multipart.upload_parts(*place, Content(len(body), hashlib.sha256(body).hexdigest()))


def test_a_completion_whose_answer_is_lost_counts(
    gateway: Server, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = open_s3(gateway, "lost", monkeypatch)
    clients = Clients(gateway.settings())

    def lose(**_: object) -> None:
        raise ConnectionClosedError(endpoint_url=gateway.endpoint)

    done = "after-call.s3.CompleteMultipartUpload"
    clients.for_parts().meta.events.register(done, lose)
    s3_multipart.upload_parts(clients, gateway.bucket, "lost/large", large)
    assert b"".join(direct.read("large")) == large.read_bytes()
    assert unfinished(direct) == ()


class RawBody(io.BytesIO):
    """As botocore reads an answer."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


@pytest.mark.parametrize(
    ("code", "status", "tries"),
    [("SlowDown", 503, 8), ("BadDigest", 400, 8), ("AccessDenied", 403, 1)],
)
def test_a_part_is_sent_again_only_if_that_may_help(
    gateway: Server,
    large: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    status: int,
    tries: int,
) -> None:
    direct = open_s3(gateway, "refused", monkeypatch)
    monkeypatch.setattr(s3_multipart, "PART", 48 << 20)
    monkeypatch.setattr(s3_multipart, "BACKOFF", Backoff(0.001, 0.01))
    clients, sent = Clients(gateway.settings()), []

    def refuse(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        if "partNumber=1" not in request.url:
            return None
        sent.append(request.url)
        body = f"<Error><Code>{code}</Code></Error>".encode()
        return AWSResponse(request.url, status, {}, RawBody(body))

    clients.for_parts().meta.events.register("before-send.s3.UploadPart", refuse)
    with pytest.raises(ClientError, match=code):
        s3_multipart.upload_parts(clients, gateway.bucket, "refused/large", large)
    assert len(sent) == tries
    assert unfinished(direct) == ()
