"""A local directory: where it cannot be one, and what killed writers leave in it."""

import errno
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from batchprocess.protocol.errors import OutcomeUnknown, StorageDenied, UnsafeStorage
from batchprocess.runs.probe import probe
from batchprocess.storage import durable
from batchprocess.storage.local import LocalStorage
from support.storage.spelling import show_as_written

TOMORROW = datetime.now(UTC) + timedelta(days=1)


def test_a_path_below_a_file_is_refused_at_once_and_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    storage = LocalStorage(tmp_path / "file" / "run")
    with pytest.raises(StorageDenied, match="file/run.*check output.uri"):
        storage.create("run.json", b"{}")


def test_a_file_system_that_makes_no_folders_is_refused_at_once() -> None:
    with pytest.raises(StorageDenied, match="/proc/outs cannot be created"):
        LocalStorage(Path("/proc/outs/job")).put("a/b", b"x")


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


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links_is_refused_by_the_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(UnsafeStorage, match="has no hard links.*use another file system"):
        probe(LocalStorage(tmp_path), lambda: "n")
    assert list(LocalStorage(tmp_path).list()) == []


def test_a_run_folder_may_be_a_link_to_another_place(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    storage = LocalStorage(tmp_path / "runs")
    assert storage.create("data/x", b"1")
    assert [item.key for item in storage.list()] == ["data/x"]
    assert (tmp_path / "disk" / "data" / "x").read_bytes() == b"1"


class Synced:
    """Folders that were fsynced, in order; `broken`: those where that fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folders: list[Path] = []
        self.broken: set[Path] = set()
        self._real = durable.sync_directory
        monkeypatch.setattr(durable, "sync_directory", self._sync)

    def _sync(self, folder: Path) -> None:
        if folder in self.broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._real(folder)
        self.folders.append(folder)


def test_folders_that_another_has_removed_are_made_durable_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, synced = tmp_path / "run", Synced(monkeypatch)
    storage = LocalStorage(root)
    storage.put("data/00000/a/file", b"1")
    shutil.rmtree(root / "data")
    synced.folders.clear()
    storage.put("data/00000/b/file", b"2")
    assert {root, root / "data", root / "data/00000"} <= set(synced.folders)


def test_a_folder_is_durable_only_once_all_above_it_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, synced = tmp_path / "run", Synced(monkeypatch)
    storage = LocalStorage(root)
    synced.broken = {root}
    with pytest.raises(OutcomeUnknown):
        storage.put("data/00000/file", b"1")
    synced.broken = set()
    storage.put("data/00000/file", b"1")
    assert root in synced.folders


def test_access_is_checked_by_writing_where_the_run_would_be(tmp_path: Path) -> None:
    LocalStorage(tmp_path / "runs" / "job").check_access()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(StorageDenied, match="file: Not a directory; .* check output.uri"):
        LocalStorage(tmp_path / "file" / "job").check_access()
    with pytest.raises(StorageDenied, match="^/proc: nothing can be created there, .*output.uri"):
        LocalStorage(Path("/proc/runs/job")).check_access()


def test_access_without_hard_links_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Path) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(UnsafeStorage, match=f"{tmp_path} has no hard links"):
        LocalStorage(tmp_path / "runs").check_access()
    assert list(tmp_path.iterdir()) == []


class Unreadable:
    """One path that cannot be looked at, for as long as `error` says why."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path, number: int) -> None:
        for name in ("scandir", "stat"):
            monkeypatch.setattr(os, name, self._refusing(getattr(os, name), path, number))

    @staticmethod
    def _refusing(real: Any, path: Path, number: int) -> Any:
        def refuse(asked: Any = ".", *given: Any, **named: Any) -> Any:
            if asked in (path, str(path)):
                raise OSError(number, os.strerror(number), str(path))
            return real(asked, *given, **named)

        return refuse


UNREADABLE = [(errno.EIO, OutcomeUnknown), (errno.EACCES, StorageDenied)]


@pytest.mark.parametrize(("number", "error"), UNREADABLE)
def test_a_folder_that_cannot_be_read_is_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("data/00000/a/file", b"1")
    storage.put("data/00000/b/file", b"2")
    Unreadable(monkeypatch, tmp_path / "data" / "00000" / "a", number)
    named = f"00000/a: {os.strerror(number)}"
    for look in (
        lambda: list(storage.list()),
        lambda: list(storage.folders("data/00000/a/")),
        lambda: storage.leftovers(before=TOMORROW),
    ):
        with pytest.raises(error, match=named):
            look()


@pytest.mark.parametrize(("number", "error"), UNREADABLE)
def test_a_file_that_cannot_be_looked_at_is_not_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("data/file", b"1")
    Unreadable(monkeypatch, tmp_path / "data" / "file", number)
    for look in (
        lambda: storage.stat("data/file"),
        lambda: list(storage.read("data/file")),
        lambda: list(storage.list()),
    ):
        with pytest.raises(error, match=f"data/file: {os.strerror(number)}"):
            look()


def test_what_is_below_a_file_is_absent(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("file", b"1")
    assert storage.stat("file/below") is None
    assert storage.get("file/below") is None
    assert list(storage.list("file/below/")) == []
    assert list(storage.folders("file/")) == []


def test_reading_fsyncs_nothing_and_sync_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path / "run")
    storage.create("ledger/00000/00000001.json", b"{}")
    synced = Synced(monkeypatch)
    assert storage.get("ledger/00000/00000001.json") == b"{}"
    assert synced.folders == []
    storage.sync("ledger/00000/00000001.json")
    assert synced.folders == [tmp_path / "run/ledger/00000"]


def test_only_where_nothing_can_be_written_a_failing_fsync_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, real = Synced(monkeypatch), os.statvfs(tmp_path)
    synced.broken = {tmp_path}
    with pytest.raises(OutcomeUnknown, match="Input/output error"):
        LocalStorage(tmp_path).sync("run.json")
    read_only = os.statvfs_result((*real[:8], real.f_flag | os.ST_RDONLY, real.f_namemax))
    monkeypatch.setattr(os, "statvfs", lambda _: read_only)
    LocalStorage(tmp_path).sync("run.json")


def test_a_file_system_that_is_read_only_is_named_where_something_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "mkdir", refuse)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path)
    with pytest.raises(
        StorageDenied, match=f"Read-only.*what is mounted at {tmp_path} can be read only: mount it"
    ):
        LocalStorage(tmp_path / "runs").put("latest", b"x")


def test_an_output_does_not_overwrite_one_whose_name_the_folder_takes_for_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source := tmp_path / "source").write_bytes(b"second")
    storage = LocalStorage(tmp_path / "run")
    storage.put("data/A.txt", b"first")
    (tmp_path / "run/data/a.txt").hardlink_to(tmp_path / "run/data/A.txt")
    show_as_written(monkeypatch, "a.txt")
    with pytest.raises(UnsafeStorage, match=r"a.txt and .*A.txt are one file there.*rename one"):
        storage.upload("data/a.txt", source)
    assert storage.get("data/A.txt") == b"first"
    storage.upload("data/A.txt", source)
    assert storage.get("data/A.txt") == b"second"
