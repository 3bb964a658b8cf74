"""What the ledger relies on, asked of every store in the same words."""

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from batchprocess.storage import s3_multipart
from batchprocess.storage.base import Content, Storage, StoredObject

pytestmark = pytest.mark.slow

ODD_NAMES = [
    *("with space", "ünïcode-名前", "a+b&c=d", "percent%20", "deep/er/still.txt"),
    *(".tmp-mine", "a..b", "*?[x]", "quote'\"", "x" * 255),
]


def test_an_absent_key_is_none_everywhere(storage: Storage) -> None:
    assert storage.get("no/such/key") is None
    assert storage.stat("no/such/key") is None
    storage.delete("no/such/key")
    storage.check_access()
    with pytest.raises(FileNotFoundError):
        list(storage.read("no/such/key"))


def test_the_second_create_of_a_key_changes_nothing(storage: Storage) -> None:
    assert storage.create("ledger/00000/00000001.json", b"first")
    assert not storage.create("ledger/00000/00000001.json", b"second")
    assert storage.get("ledger/00000/00000001.json") == b"first"


def test_a_file_is_created_like_bytes(storage: Storage, tmp_path: Path) -> None:
    (file := tmp_path / "file").write_bytes(b"first")
    assert storage.create("manifest.jsonl", file)
    file.write_bytes(b"second")
    assert not storage.create("manifest.jsonl", file)
    assert storage.get("manifest.jsonl") == b"first"


def test_of_32_racers_exactly_one_creates(storage: Storage) -> None:
    for number in range(5):
        barrier = Barrier(32)

        def race(racer: int, key: str = f"race/{number}", go: Barrier = barrier) -> bool:
            go.wait()
            return storage.create(key, str(racer).encode())

        with ThreadPoolExecutor(32) as pool:
            won = [racer for racer, created in enumerate(pool.map(race, range(32))) if created]
        assert len(won) == 1
        assert storage.get(f"race/{number}") == str(won[0]).encode()


def test_put_overwrites(storage: Storage) -> None:
    storage.put("latest", b"one")
    storage.put("latest", b"two")
    assert storage.get("latest") == b"two"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_come_back_as_they_went(storage: Storage, tmp_path: Path, name: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    storage.upload(f"data/{name}", source)
    assert b"".join(storage.read(f"data/{name}")) == b"content"
    (listed,) = storage.list("data/")
    assert listed == StoredObject(f"data/{name}", 7)
    assert listed.modified is not None
    assert abs(datetime.now(UTC) - listed.modified) < timedelta(hours=1)


def test_files_of_no_bytes_and_ranges_are_read_right(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"")
    storage.upload("empty", source)
    assert (storage.stat("empty"), list(storage.read("empty"))) == (0, [])
    storage.put("digits", b"0123456789")
    assert b"".join(storage.read("digits", start=4)) == b"456789"
    assert b"".join(storage.read("digits", start=10)) == b""


def test_a_file_of_several_parts_arrives_whole(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_multipart, "PART", 5 << 20)
    body = bytes(range(256)) * (12 << 12)
    source = tmp_path / "large"
    source.write_bytes(body)
    storage.upload("data/large", source)
    assert storage.stat("data/large") == len(body)
    assert b"".join(storage.read("data/large")) == body


def test_listing_is_in_key_order_and_below_the_prefix(storage: Storage) -> None:
    for key in ("b/2", "b/1", "a/9", "b/10", "bb/1"):
        storage.put(key, key.encode())
    assert [item.key for item in storage.list("b/")] == ["b/1", "b/10", "b/2"]
    assert sorted(storage.folders()) == ["a", "b", "bb"]
    assert [item.key for item in storage.at("b").list()] == ["1", "10", "2"]


def test_what_is_whole_is_no_leftover(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    storage.upload("data/file", source)
    storage.create("ledger/00000/00000001.json", b"{}")
    assert storage.leftovers(before=datetime.now(UTC) + timedelta(days=1)) == ()
    assert storage.remove_leftovers(before=datetime.now(UTC) + timedelta(days=1)) == ()
    assert storage.dangers() == ()


def test_a_deleted_key_is_absent(storage: Storage) -> None:
    storage.put("data/x/one", b"1")
    storage.delete("data/x/one")
    assert storage.get("data/x/one") is None
    assert list(storage.list()) == []


@pytest.mark.parametrize("size", [0, 10, 1 << 20, 12 << 20])
def test_an_upload_tells_whether_it_has_sent_what_was_handed_over(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(s3_multipart, "PART", 5 << 20)
    source, body = tmp_path / "source", random.Random(size).randbytes(size)
    source.write_bytes(body)
    handed = Content(size, hashlib.sha256(body).hexdigest())
    assert storage.upload("data/file", source)
    assert storage.upload("data/file", source, handed)
    assert b"".join(storage.read("data/file")) == body
    source.write_bytes(body[:-1] + b"x")
    assert not storage.upload("data/file", source, handed)
    source.write_bytes(body + b"more")
    assert not storage.upload("data/file", source, handed)
    source.unlink()
    with pytest.raises(FileNotFoundError):
        storage.upload("data/file", source, handed)


@pytest.mark.full
def test_a_file_of_six_gigabytes_arrives_whole(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "huge"
    with source.open("wb") as file:
        file.truncate(6 * 10**9)
        file.seek(5 * 10**9)
        file.write(b"mark")
    storage.upload("data/huge", source)
    assert storage.stat("data/huge") == 6 * 10**9
    first = next(iter(storage.read("data/huge", start=5 * 10**9)))
    assert first[:8] == b"mark\0\0\0\0"
