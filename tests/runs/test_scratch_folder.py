"""Leftovers of dead runs go, folders of live ones stay, and so does what is nobody's business."""

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs import scratch_folder


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def folders(parent: Path) -> set[Path]:
    return set(parent.glob("batchprocess-run-*"))


OWNER = """
import os, sys, subprocess
from batchprocess.runs.scratch_folder import scratch
with scratch() as made:
    (made.folder / "kept").mkdir()
    (made.folder / "kept" / "file").touch()
    agent = subprocess.Popen(["sleep", "60"], pass_fds=[made.lock], stdout=2)
    print(agent.pid, made.folder, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
def test_a_killed_run_is_removed_once_its_agents_are_gone_too(parent: Path) -> None:
    environ = {**os.environ, "TMPDIR": str(parent)}
    done = subprocess.run(
        [sys.executable, "-c", OWNER],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    agent, left = int(done.stdout.split()[0]), Path(done.stdout.split()[1])
    assert done.returncode == -9
    with scratch_folder.scratch() as mine:
        assert folders(parent) == {left, mine.folder}
        os.kill(agent, 9)
        # The lock falls with its last holder, which may take the kernel a moment.
        with (left / scratch_folder._LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        scratch_folder.remove_leftovers(parent)
        assert folders(parent) == {mine.folder}
    assert folders(parent) == set()


@pytest.mark.slow
def test_a_forked_process_that_ends_leaves_the_folder_to_its_owner(parent: Path) -> None:
    with scratch_folder.scratch() as made:
        pid = os.fork()
        if pid == 0:
            made.remove()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert made.folder.exists()
    assert folders(parent) == set()


def test_a_live_run_is_never_touched(parent: Path) -> None:
    with scratch_folder.scratch() as first, scratch_folder.scratch() as second:
        assert folders(parent) == {first.folder, second.folder}


def test_what_cannot_be_told_to_be_dead_stays(parent: Path, tmp_path: Path) -> None:
    without = parent / "batchprocess-run-just-made"
    elsewhere = parent / "batchprocess-run-of-another-machine"
    for folder in (without, elsewhere):
        folder.mkdir()
    (elsewhere / "lock-somewhere").touch()
    (parent / "mine").mkdir()
    (parent / "mine" / scratch_folder._LOCK).touch()
    link = parent / "batchprocess-run-link"
    link.symlink_to(parent / "mine")
    linked_lock = parent / "batchprocess-run-linked-lock"
    linked_lock.mkdir()
    (linked_lock / scratch_folder._LOCK).symlink_to(parent / "mine" / scratch_folder._LOCK)
    scratch_folder.remove_leftovers(parent)
    assert folders(parent) == {without, elsewhere, link, linked_lock}
    assert list((parent / "mine").iterdir())


def test_links_in_a_leftover_lead_nowhere(parent: Path) -> None:
    left = parent / "batchprocess-run-dead"
    left.mkdir()
    (left / scratch_folder._LOCK).touch()
    (parent / "data").mkdir()
    (parent / "data" / "file").touch()
    (left / "link").symlink_to(parent / "data")
    scratch_folder.remove_leftovers(parent)
    assert folders(parent) == set()
    assert (parent / "data" / "file").exists()


def test_no_place_for_temporary_files_is_told(parent: Path) -> None:
    (parent / "gone").mkdir()
    tempfile.tempdir = str(parent / "gone" / "deeper")
    with pytest.raises(InvalidArgument, match="no temporary folder can be made .*: set TMPDIR"):
        scratch_folder.scratch().__enter__()
