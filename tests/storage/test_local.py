"""A local directory: where it cannot be one, and what killed writers leave in it."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batchprocess.protocol.errors import StorageDenied
from batchprocess.storage.local import LocalStorage

TOMORROW = datetime.now(UTC) + timedelta(days=1)


def test_a_path_below_a_file_is_refused_at_once_and_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    storage = LocalStorage(tmp_path / "file" / "run")
    with pytest.raises(StorageDenied, match="file/run.*check output.uri"):
        storage.create("run.json", b"{}")


def test_a_name_that_is_too_long_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(StorageDenied, match="File name too long"):
        LocalStorage(tmp_path).put("x" * 256, b"")


def test_temporaries_of_killed_writers_are_no_objects_and_can_be_removed(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "run")
    left = tmp_path / "run" / "data" / "00000" / f".tmp-{'a' * 32}-0"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    os.utime(left, (1_000_000, 1_000_000))
    assert list(storage.list()) == []
    assert storage.leftovers(before=datetime.fromtimestamp(999_999, UTC)) == ()
    assert storage.remove_leftovers(before=TOMORROW) == (f"data/00000/{left.name}",)
    assert not (tmp_path / "run" / "data").exists()


def test_a_run_folder_may_be_a_link_to_another_place(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    storage = LocalStorage(tmp_path / "runs")
    assert storage.create("data/x", b"1")
    assert [item.key for item in storage.list()] == ["data/x"]
    assert (tmp_path / "disk" / "data" / "x").read_bytes() == b"1"
