"""What is written survives a power loss, by what the system has for that."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from batchprocess.storage import durable

_FULL = 51
"""F_FULLFSYNC of macOS."""


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: done.append("fsync"))
    return done


def on_macos(monkeypatch: pytest.MonkeyPatch, synced: list[str], code: int | None) -> None:
    def full(_descriptor: int, command: int) -> None:
        assert command == _FULL
        if code is not None:
            raise OSError(code, os.strerror(code))
        synced.append("full")

    monkeypatch.setattr(fcntl, "F_FULLFSYNC", _FULL, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full)


def test_a_file_and_a_folder_are_fsynced(tmp_path: Path, synced: list[str]) -> None:
    durable.write(tmp_path / "a", b"a")
    durable.sync_directory(tmp_path)
    assert synced == ["fsync", "fsync"]


@pytest.mark.parametrize(
    ("code", "expected"), [(None, "full"), (errno.ENOTSUP, "fsync"), (errno.EINVAL, "fsync")]
)
def test_the_disks_own_cache_is_emptied_where_that_can_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: list[str], code, expected
) -> None:
    on_macos(monkeypatch, synced, code)
    durable.write(tmp_path / "a", b"a")
    assert synced == [expected]


def test_a_failure_of_the_disk_is_none_of_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: list[str]
) -> None:
    on_macos(monkeypatch, synced, errno.EIO)
    with pytest.raises(OSError, match="Input/output error"):
        durable.write(tmp_path / "a", b"a")
    assert synced == []
