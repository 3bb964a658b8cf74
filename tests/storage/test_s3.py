"""Every refusal is a sentence that says what to do."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import InvalidArgument, OutcomeUnknown, StorageDenied
from batchprocess.storage.factory import open_storage
from batchprocess.storage.s3 import S3Storage
from support.storage.s3_server import Server, free_port
from support.storage.s3_stores import open_s3

pytestmark = pytest.mark.slow


def test_a_missing_bucket_is_named(gateway: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    open_s3(gateway, "", monkeypatch)
    missing = S3Storage("nowhere-to-be-found", "run", gateway.settings())
    calls = (lambda: missing.get("k"), lambda: missing.create("k", b""), lambda: missing.stat("k"))
    for call in calls:
        with pytest.raises(StorageDenied, match="nowhere-to-be-found.*bucket does not exist"):
            call()


def test_a_wrong_secret_says_which_variable(
    gateway: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_s3(gateway, "", monkeypatch)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-it")
    wrong = S3Storage(gateway.bucket, "run", gateway.settings())
    with pytest.raises(StorageDenied, match="AWS_SECRET_ACCESS_KEY"):
        wrong.get("k")


def test_no_credentials_says_what_to_set(
    gateway: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StorageDenied, match="set AWS_ACCESS_KEY_ID"):
        S3Storage(gateway.bucket, "run", gateway.settings()).get("k")


def test_a_dead_server_leaves_the_outcome_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    settings = S3Settings(endpoint=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(OutcomeUnknown):
        S3Storage("work", "run", settings).create("k", b"")


@pytest.mark.parametrize("uri", ["gs://bucket/x", "s3://", "file://host/x", "http://x/y"])
def test_an_address_of_no_known_form_is_named(uri: str) -> None:
    with pytest.raises(InvalidArgument, match="s3://bucket/prefix"):
        open_storage(uri)


def test_no_more_of_a_file_is_sent_than_it_had_when_its_upload_began(
    gateway: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    storage = open_s3(gateway, "grows", monkeypatch)
    (log := tmp_path / "log").write_bytes(b"first line\n")
    put_object = storage._client.put_object

    def put_object_of_a_file_that_grows(**given: Any) -> Any:
        with log.open("ab") as file:
            file.write(b"GET / HTTP/1.1\r\n\r\n" * 10_000)
        return put_object(**given)

    monkeypatch.setattr(storage._client, "put_object", put_object_of_a_file_that_grows)
    storage.upload("log", log)
    monkeypatch.undo()
    assert storage.get("log") == b"first line\n"


def test_a_file_is_read_with_one_request(gateway: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, sent = open_s3(gateway, "once", monkeypatch), []
    storage.put("empty", b"")
    storage.put("file", b"bytes")
    storage._client.meta.events.register(
        "before-send.s3", lambda request, **_: sent.append(request)
    )
    assert [b"".join(storage.read(key)) for key in ("file", "empty")] == [b"bytes", b""]
    assert list(storage.read("file", start=5)) == []
    with pytest.raises(FileNotFoundError, match="once/none does not exist"):
        next(storage.read("none"))
    assert [request.method for request in sent] == ["GET"] * 4


def test_a_file_that_goes_in_one_request_is_not_read_into_memory(
    gateway: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    storage = open_s3(gateway, "large", monkeypatch)
    (file := tmp_path / "file").write_bytes(bytes(30 << 20))
    storage.put("warm", b"")
    tracemalloc.start()
    try:
        storage.upload("file", file)
        assert storage.create("manifest", file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
    assert storage.stat("file") == storage.stat("manifest") == 30 << 20
