"""Listing and counting is done by a process of its own."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from batchprocess.data.index.folder import Index
from batchprocess.data.index.process import Question, indexed
from batchprocess.data.index.sources import Source
from batchprocess.data.index.wanted import Wanted, wanted_of
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import InvalidArgument

pytestmark = pytest.mark.slow


def of_lines(folder: Path) -> Wanted:
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text("one\ntwo\n")
    return wanted_of(folder, "lines")


def test_nothing_of_it_is_left_in_the_process_that_asks(tmp_path: Path) -> None:
    """It forks loader processes later, which would share threads and connections."""
    threads = threading.active_count()
    assert Index(indexed(of_lines(tmp_path))).rows == 2
    assert not multiprocessing.active_children()
    assert threading.active_count() == threads


def test_its_error_is_raised_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"nowhere does not exist: is it mounted"):
        indexed(wanted_of(tmp_path / "nowhere", "lines"))


KILLED_BEFORE_THE_LISTING = """
import os, signal, sys
from batchprocess.data.index.__main__ import main
from batchprocess.storage.local import LocalStorage

whole = LocalStorage.create

def create(storage, key, body):
    if key.endswith("listing.json"):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(storage, key, body)

LocalStorage.create = create
sys.exit(main())
"""


def test_killed_between_a_part_and_the_listing_it_has_begun_nothing(tmp_path: Path) -> None:
    wanted = of_lines(tmp_path / "in")
    run = RunOfInput(uri=str(tmp_path / "run"), shard=0, deadline_seconds=5)
    question = Question(wanted=wanted, run=run).model_dump_json()
    (tmp_path / "index").mkdir()
    command = [sys.executable, "-c", KILLED_BEFORE_THE_LISTING, str(tmp_path / "index")]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(question.encode() + b"\n")
        process.stdin.flush()
        assert process.wait(60) == -signal.SIGKILL
    (part,) = (tmp_path / "run" / "inputs").glob("*/*")
    assert part.name.startswith("objects-")
    (tmp_path / "in" / "b.txt").write_text("three\n")
    assert [Index(indexed(wanted, run)).rows for _ in range(2)] == [3, 3]
    assert len([*(tmp_path / "run" / "inputs").glob("*/*.json*")]) == 3


def test_it_ends_with_whoever_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        s3 = S3Settings(endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        wanted = Wanted(sources=(Source("s3://bucket", "in/"),), rows="lines", s3=s3)
        process = subprocess.Popen(
            [sys.executable, "-m", "batchprocess.data.index", str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(Question(wanted=wanted).model_dump_json().encode() + b"\n")
        process.stdin.flush()
        asking, _ = silent.accept()  # it lists, and would wait for a minute
        process.stdin.close()
        try:
            assert process.wait(60) == 1
        finally:
            asking.close()
            process.stdout.close()
