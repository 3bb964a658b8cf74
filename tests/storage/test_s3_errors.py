"""What a store's answer means, and what it tells a person to do."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from urllib3.exceptions import ProtocolError

from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import (
    OutcomeUnknown,
    StorageDenied,
    StorageFull,
    UnsafeStorage,
)
from batchprocess.storage.s3 import S3Storage
from batchprocess.storage.s3_errors import is_transient, meaning, translated
from batchprocess.storage.s3_lifecycle import dangers


def answer(code: str, status: int, message: str = "said the store") -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        "PutObject",
    )


@pytest.mark.parametrize(
    ("code", "status", "kind", "remedy"),
    [
        ("RequestTimeTooSkewed", 403, StorageDenied, "clock is wrong: set it by NTP"),
        ("ExpiredToken", 400, StorageDenied, "session token has expired: renew the credentials"),
        ("InvalidToken", 400, StorageDenied, "session token is not valid"),
        ("InvalidAccessKeyId", 403, StorageDenied, "check AWS_ACCESS_KEY_ID"),
        ("XAdminUserNotFound", 404, StorageDenied, "check AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", 403, StorageDenied, "check AWS_SECRET_ACCESS_KEY"),
        ("NoSuchBucket", 404, StorageDenied, "the bucket does not exist: create it"),
        ("AccessDenied", 403, StorageDenied, "grant s3:GetObject, s3:PutObject and s3:ListBucket"),
        ("Forbidden", 403, StorageDenied, "grant s3:GetObject"),
        ("PermanentRedirect", 301, StorageDenied, "another region: set output.s3.region"),
        ("QuotaExceeded", 403, StorageFull, "free some space or raise the quota"),
        ("XMinioStorageFull", 507, StorageFull, "free some space"),
        ("NotImplemented", 501, UnsafeStorage, "conditional writes"),
        ("SlowDown", 503, OutcomeUnknown, "said the store (SlowDown)"),
        ("InternalError", 500, OutcomeUnknown, "InternalError"),
        ("RequestTimeout", 400, OutcomeUnknown, "RequestTimeout"),
        ("IncompleteBody", 400, OutcomeUnknown, "IncompleteBody"),
        ("KeyTooLongError", 400, StorageDenied, "check address, endpoint and region"),
        (
            *("InvalidArgument", 400, StorageDenied),
            "key: said the store (InvalidArgument); check address, endpoint and region",
        ),
        ("400", 400, StorageDenied, "check address, endpoint and region"),
        ("404", 404, OutcomeUnknown, "said the store"),
        ("", 404, OutcomeUnknown, "said the store"),
    ],
)
def test_every_refusal_has_a_kind_and_a_remedy(
    code: str, status: int, kind: type[Exception], remedy: str
) -> None:
    found = meaning("s3://bucket/key", answer(code, status))
    assert type(found) is kind
    assert str(found).startswith("s3://bucket/key: ")
    assert f"{code}:" not in str(found) or not code
    assert remedy in str(found)


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        ProtocolError("Connection broken", ConnectionResetError(104, "reset")),
    ],
)
def test_a_broken_connection_decides_nothing(error: Exception) -> None:
    with pytest.raises(OutcomeUnknown, match="s3://bucket/key"), translated("s3://bucket/key"):
        raise error


def test_an_address_that_s3_cannot_have_is_told_at_once() -> None:
    store = S3Storage("No Such Bucket!", "run", S3Settings(endpoint="http://127.0.0.1:1"))
    with pytest.raises(StorageDenied, match='cannot be an S3 address: .*Invalid bucket name "No'):
        store.get("k")


@pytest.mark.parametrize(
    ("code", "status", "remedy"),
    [
        ("NoSuchBucket", 404, "the bucket does not exist: create it"),
        ("InvalidAccessKeyId", 403, "check AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", 403, "check AWS_SECRET_ACCESS_KEY"),
        ("AccessDenied", 403, "grant s3:ListBucket, or absence looks like 403"),
        ("Forbidden", 403, "grant s3:ListBucket, or absence looks like 403"),
    ],
)
def test_listing_is_the_remedy_for_a_refusal_alone(
    monkeypatch: pytest.MonkeyPatch, code: str, status: int, remedy: str
) -> None:
    class Client:
        def get_object(self, **_: str) -> None:
            raise answer(code, status)

    store = S3Storage("bucket", "job", S3Settings())
    monkeypatch.setitem(store._clients._made, "ours", Client())
    with pytest.raises(StorageDenied, match=remedy) as denied:
        store.check_access()
    assert str(denied.value).startswith("s3://bucket/job: ")
    assert ("grant s3:ListBucket," in str(denied.value)) == (remedy.startswith("grant"))


def test_only_a_named_key_is_absent_for_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def get_object(self, **_: str) -> None:
            raise answer("404", 404)

    store = S3Storage("bucket", "run", S3Settings())
    monkeypatch.setitem(store._clients._made, "ours", Client())
    with pytest.raises(OutcomeUnknown):
        store.get("ledger/00000/00000001.json")


RULES = [
    {"ID": "days", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 7}},
    {"ID": "off", "Status": "Disabled", "Filter": {}, "Expiration": {"Days": 1}},
    {"ID": "other", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}},
    {"ID": "below", "Status": "Enabled", "Prefix": "ours/job/data/", "Expiration": {"Date": "May"}},
    {
        "ID": "tagged",
        "Status": "Enabled",
        "Filter": {"And": {"Prefix": "", "Tags": [{"Key": "a", "Value": "b"}]}},
        "Expiration": {"Days": 1},
    },
    {
        "ID": "cold",
        "Status": "Enabled",
        "Filter": {"Prefix": "ours/"},
        "Transitions": [
            {"Days": 30, "StorageClass": "STANDARD_IA"},
            {"Days": 90, "StorageClass": "DEEP_ARCHIVE"},
        ],
    },
    {"ID": "markers", "Status": "Enabled", "Expiration": {"ExpiredObjectDeleteMarker": True}},
]


def test_lifecycle_rules_that_would_damage_a_run_are_told() -> None:
    assert list(dangers(RULES, "ours/job")) == [
        "rule 'days' deletes objects after 7 days",
        "rule 'below' deletes objects on May",
        "rule 'cold' moves objects to DEEP_ARCHIVE after 90 days",
    ]
    assert len(list(dangers(RULES, ""))) == 4


def test_transient_is_what_may_pass_by_itself() -> None:
    assert is_transient(answer("SlowDown", 503))
    assert is_transient(EndpointConnectionError(endpoint_url="x"))
    assert not is_transient(answer("AccessDenied", 403))
    assert not is_transient(NoCredentialsError())
