"""Lifecycle rules as a real server tells them."""

import pytest

from support.storage.s3_server import Server
from support.storage.s3_stores import open_s3

pytestmark = [pytest.mark.slow, pytest.mark.full]


def test_a_rule_of_the_bucket_is_told_where_it_applies(
    minio_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_s3(minio_server, "ours/job", monkeypatch)
    assert store.dangers() == ()
    rule = {
        "ID": "weekly",
        "Status": "Enabled",
        "Filter": {"Prefix": "ours/"},
        "Expiration": {"Days": 7},
    }
    store._client.put_bucket_lifecycle_configuration(
        Bucket=minio_server.bucket, LifecycleConfiguration={"Rules": [rule]}
    )
    try:
        assert store.dangers() == ("rule 'weekly' deletes objects after 7 days",)
        assert open_s3(minio_server, "theirs", monkeypatch).dangers() == ()
    finally:
        store._client.delete_bucket_lifecycle(Bucket=minio_server.bucket)
