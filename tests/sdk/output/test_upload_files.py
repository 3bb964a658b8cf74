"""Files of `upload_path()`: blocks, and what is refused."""

import contextlib
import errno
import os

import pytest

from batchprocess.protocol.records import Commit, CommittedFile, data_prefix, encode
from batchprocess.sdk.output.upload_files import Staging


def test_a_block_moves_its_files_away_and_the_name_can_be_used_again(tmp_path):
    staging = Staging(tmp_path)
    with staging.block() as path:
        (path / "deep").mkdir()
        (path / "deep" / "with space ü.txt").write_text("one")
    assert not path.exists()
    files = staging.cut_files()
    assert list(files) == ["deep/with space ü.txt"]
    assert files["deep/with space ü.txt"].read_text() == "one"
    with staging.block() as path:
        (path / "deep").mkdir()
        (path / "deep" / "with space ü.txt").write_text("two")
    assert list(staging.cut_files()) == ["deep/with space ü.txt"]


def stage(staging, *names):
    """One block with these files."""
    with staging.block() as path:
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).touch()


def test_the_same_name_twice_in_one_interval_is_an_error(tmp_path):
    staging = Staging(tmp_path)
    stage(staging, "same")
    with pytest.raises(ValueError, match="'same' was written twice"):
        stage(staging, "same")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b/c", "a/b")])
def test_a_file_of_one_block_that_is_a_folder_of_another_is_refused(tmp_path, names):
    staging = Staging(tmp_path)
    stage(staging, names[0])
    with pytest.raises(ValueError, match="as a file and as a folder"):
        stage(staging, names[1])


def test_more_files_than_a_commit_holds_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="10001 files.*write larger files"):
        stage(Staging(tmp_path), *map(str, range(10_001)))


@pytest.mark.parametrize("length", [12, 120, 250])
def test_as_many_files_as_are_let_in_fit_into_a_record(tmp_path, length):
    staging, blocks = Staging(tmp_path), 0
    with contextlib.suppress(ValueError):
        while blocks < 100:
            stage(staging, *(f"{blocks}-{n}".ljust(length, "x") for n in range(100)))
            blocks += 1
    with pytest.raises(ValueError, match=r"\d+ files .* and \d+ with names as long as these fit"):
        stage(staging, *(f"{blocks}-{n}".ljust(length, "x") for n in range(100)))
    names = staging.cut_files()
    assert len(names) == blocks * 100
    entries = [
        CommittedFile(
            name=name, key=f"{data_prefix(3, 2, 'a' * 32)}{name}", size=0, sha256="b" * 64
        )
        for name in names
    ]
    record = Commit(
        shard=3, seq=2, prev="p" * 64, nonce="a" * 32, attempt="a" * 32, job="j" * 60, cursor=1,
        at="", batches=(0, 1), rows=(0, 8), files=tuple(entries),
    )  # fmt: skip
    assert len(encode(record)) > 700_000
    assert list(staging.cut_files()) == []


def test_an_exception_in_a_block_discards_it(tmp_path):
    staging = Staging(tmp_path)
    block = staging.block()
    (block.__enter__() / "half").touch()
    assert not block.__exit__(KeyError, KeyError("x"), None)
    assert staging.cut_files() == {}
    assert list(tmp_path.rglob("half")) == []


def test_a_link_is_refused(tmp_path):
    staging = Staging(tmp_path)
    with pytest.raises(ValueError, match="no regular file"), staging.block() as path:
        (path / "link").symlink_to("/etc/hostname")


def test_a_block_open_across_a_boundary_is_an_error(tmp_path):
    staging = Staging(tmp_path)
    with staging.block(), pytest.raises(RuntimeError, match="still open at a checkpoint"):
        staging.cut_files()


def test_a_folder_that_cannot_be_read_is_an_error_and_its_files_are_not_left_out(
    tmp_path, monkeypatch
):
    real = os.scandir

    def refuse(path="."):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    staging = Staging(tmp_path)
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="closed"):
        stage(staging, "open/a", "closed/b")
