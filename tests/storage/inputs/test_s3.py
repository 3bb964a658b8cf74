"""Objects of a real S3 server as input, each held to its ETag."""

import pickle
from pathlib import Path

import pytest

from batchprocess.protocol.errors import InputChanged, StorageDenied
from batchprocess.storage.inputs.base import InputObject
from batchprocess.storage.inputs.factory import open_inputs
from batchprocess.storage.inputs.s3 import S3Inputs
from batchprocess.storage.s3 import S3Storage
from support.storage.s3_server import Server
from support.storage.s3_stores import gateway, open_s3

__all__ = ["gateway"]
pytestmark = pytest.mark.slow


@pytest.fixture
def written(gateway: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Storage:
    return open_s3(gateway, tmp_path.name, monkeypatch)


@pytest.fixture
def place(gateway: Server, written: S3Storage) -> S3Inputs:
    made = open_inputs(f"s3://{gateway.bucket}", gateway.settings())
    assert type(made) is S3Inputs
    return made


def test_objects_are_listed_but_no_folders_own_names(
    place: S3Inputs, written: S3Storage, tmp_path: Path
) -> None:
    for key in ("a/x", "a/y", "b"):
        written.put(key, key.encode())
    found = list(place.list(f"{tmp_path.name}/a"))
    assert [(one.key, one.size) for one in found] == [
        (f"{tmp_path.name}/a/x", 3),
        (f"{tmp_path.name}/a/y", 3),
    ]
    assert place.find(found[0].key) == found[0]
    assert place.find(f"{tmp_path.name}/nowhere") is None


def test_pages_follow_one_another_in_the_order_of_keys(
    place: S3Inputs, written: S3Storage, tmp_path: Path
) -> None:
    keys = ["a", "b/", "b/\U0001f600", "b/\uffee", "c"]
    for key in keys:
        written.put(key, b"" if key.endswith("/") else b"x")
    prefix, after, found = f"{tmp_path.name}/", "", []
    for more in (True, True, False):
        page = place.page(prefix, after, 2)
        found += [one.key.removeprefix(prefix) for one in page.objects]
        assert page.more == more
        after = page.last
    assert found == sorted(set(keys) - {"b/"})
    assert place.page(prefix, after, 2) == ([], "", False)


def test_a_read_is_of_the_object_that_was_listed_and_of_no_other(
    place: S3Inputs, written: S3Storage, tmp_path: Path
) -> None:
    written.put("a", b"0123456789")
    known = place.find(f"{tmp_path.name}/a")
    assert known is not None
    again = pickle.loads(pickle.dumps(place))
    assert (place.read(known, 2, 5), again.read(known, 0, 10)) == (b"234", b"0123456789")
    assert place.read(known, 4, 4) == b""
    written.put("a", b"9876543210")
    with pytest.raises(InputChanged, match=r"/a is not what it was when it was listed"):
        place.read(known, 2, 5)
    written.delete("a")
    with pytest.raises(InputChanged, match=r"/a is gone"):
        place.read(known, 2, 5)


def test_a_bucket_that_does_not_exist_is_said(gateway: Server, written: S3Storage) -> None:
    nowhere = open_inputs("s3://no-such-bucket", gateway.settings())
    with pytest.raises(StorageDenied, match="the bucket does not exist"):
        list(nowhere.list(""))
    with pytest.raises(StorageDenied, match="the bucket does not exist"):
        nowhere.read(InputObject("a", 3, '"x"'), 0, 1)
