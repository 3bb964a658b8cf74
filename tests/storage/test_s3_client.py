"""How the client is made: CA bundle, profile, web identity, checksums, addressing."""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import OutcomeUnknown, StorageDenied, StorageError
from batchprocess.runs.patience import Patience, retry_until_known
from batchprocess.storage.s3 import S3Storage
from batchprocess.storage.s3_client import Clients
from batchprocess.storage.s3_multipart import PART
from support.storage.s3_server import KEY, SECRET, Server, versitygw
from support.storage.s3_stores import open_s3

pytestmark = pytest.mark.slow
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


def test_a_private_ca_is_trusted_when_its_bundle_is_named_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with versitygw(tmp_path, authority=trustme.CA()) as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        assert server.endpoint.startswith("https://")
        trusting = server.settings().model_copy(update={"ca_bundle": server.ca_bundle})
        store = S3Storage(server.bucket, "run", trusting)
        assert store.create("k", b"v")
        monkeypatch.setenv("AWS_CA_BUNDLE", str(server.ca_bundle))
        assert S3Storage(server.bucket, "run", server.settings()).get("k") == b"v"
        monkeypatch.delenv("AWS_CA_BUNDLE")
        with pytest.raises(OutcomeUnknown, match="CERTIFICATE_VERIFY_FAILED"):
            S3Storage(server.bucket, "run", server.settings()).get("k")


def test_a_profile_names_its_credentials(
    gateway: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "credentials"
    file.write_text(f"[ours]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    ours = gateway.settings().model_copy(update={"profile": "ours"})
    assert S3Storage(gateway.bucket, "profile", ours).create("k", b"v")
    nobodys = gateway.settings().model_copy(update={"profile": "nobodys"})
    with pytest.raises(StorageDenied, match="nobodys"):
        S3Storage(gateway.bucket, "profile", nobodys).get("k")


def write_credentials(file: Path, key: str) -> None:
    file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {SECRET}\n")


def from_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize("before", ["revoked", None], ids=["another key", "no file yet"])
def test_credentials_that_are_renewed_in_a_file_are_used(
    gateway: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    file = tmp_path / "credentials"
    from_file(monkeypatch, file)
    if before is not None:
        write_credentials(file, before)
    refused: list[StorageError] = []

    def sleep(_seconds: float) -> None:
        write_credentials(file, KEY)

    def write() -> None:
        try:
            store.put("k", b"renewed")
            store.upload("large", large)
        except StorageError as error:
            refused.append(error)
            raise

    large = tmp_path / "large"
    large.write_bytes(bytes(PART + 1))
    ticks = itertools.count(0, 10)
    clients = Clients(gateway.settings(), lambda: next(ticks))
    store = S3Storage(gateway.bucket, "renewed", gateway.settings(), clients)
    retry_until_known(write, Patience(sleep=sleep, clock=lambda: 0.0))
    assert len(refused) == 1
    assert type(refused[0]) is StorageDenied
    assert store.get("k") == b"renewed"
    assert store.stat("large") == PART + 1


def test_refusals_at_a_time_look_for_credentials_once() -> None:
    now = 0.0
    clients = Clients(S3Settings(endpoint="http://127.0.0.1:1"), lambda: now)
    first = clients.ours()
    clients.renew()
    assert clients.ours() is first, "it is younger than a second"
    now = 2.0
    clients.renew()
    second = clients.ours()
    clients.renew()
    assert first is not second is clients.ours()


STS_ANSWER = f"""<AssumeRoleWithWebIdentityResponse>
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{KEY}</AccessKeyId>
<SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken></SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""


@contextlib.contextmanager
def fake_token_service(asked: list[str]) -> Iterator[str]:
    """A fake STS that gives the test server's own credentials to whoever asks."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response_only(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(STS_ANSWER)))
            self.end_headers()
            self.wfile.write(STS_ANSWER.encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_pods_web_identity_is_exchanged_for_credentials(
    gateway: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    (tmp_path / "token").write_text("from-the-kubelet")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/batch")
    asked: list[str] = []
    with fake_token_service(asked) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        assert S3Storage(gateway.bucket, "web", gateway.settings()).create("k", b"v")
    assert "WebIdentityToken=from-the-kubelet" in asked[0]
    assert "batch" in asked[0]


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        (S3Settings(), "when_supported"),
        (S3Settings(endpoint="http://127.0.0.1:1"), "when_required"),
        (S3Settings(endpoint="http://127.0.0.1:1", checksums="always"), "when_supported"),
        (S3Settings(checksums="whenRequired"), "when_required"),
    ],
)
def test_checksums_suit_the_store(settings: S3Settings, mode: str) -> None:
    config = Clients(settings).ours().meta.config
    assert config.request_checksum_calculation == mode
    assert config.response_checksum_validation == mode
    assert config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize("addressing", ["auto", "path", "virtual"])
def test_addressing_reaches_the_client(addressing: str) -> None:
    settings = S3Settings(addressing=addressing, region="eu-west-1")
    client = Clients(settings).ours()
    assert client.meta.config.s3["addressing_style"] == addressing
    assert client.meta.region_name == "eu-west-1"


def test_always_checksums_work_on_a_real_server(
    gateway: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_s3(gateway, "", monkeypatch)
    settings = gateway.settings().model_copy(update={"checksums": "always"})
    store = S3Storage(gateway.bucket, "checked", settings)
    assert store.create("k", b"v")
    assert store.get("k") == b"v"
