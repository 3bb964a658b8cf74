"""Lines are counted as they stand, in however many blocks, and once for all attempts of a run."""

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchprocess.data.index import count_lines as module
from batchprocess.data.index.blocks.cut import Cut
from batchprocess.data.index.blocks.kept import KeptNowhere
from batchprocess.data.index.count_lines import count_lines
from batchprocess.data.index.known import Known
from batchprocess.data.index.line_index import BOM, lines_of
from batchprocess.data.index.process import Question
from batchprocess.data.index.wanted import wanted_of
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.listing.object_list import finish, write_objects
from batchprocess.protocol.environment import S3Settings
from batchprocess.runs.kept_inputs import problems_of_inputs
from batchprocess.runs.patience import ATTENDED
from batchprocess.storage.inputs.base import InputObject
from batchprocess.storage.local import LocalStorage

CONTENT = st.lists(st.sampled_from([b"", b" ", b"a", b"b\xc3\xa4", b"\r"]), max_size=8).map(
    b"\n".join
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.booleans(), CONTENT), min_size=1, max_size=5), st.integers(4, 40))
def test_rows_are_those_of_each_file_whatever_the_blocks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: list[tuple[bool, bytes]],
    size: int,
) -> None:
    monkeypatch.setattr(module, "Cut", partial(Cut, size=size))
    objects = []
    for number, (bom, content) in enumerate(files):
        whole = (BOM if bom else b"") + content
        (tmp_path / f"{number}").write_bytes(whole)
        objects.append((0, InputObject(f"{number}", len(whole))))
    listed = finish(tmp_path, write_objects(tmp_path, (str(tmp_path),), objects))
    known = Known(listed, S3Settings(), ATTENDED)
    for skip_blank in (True, False):
        found = count_lines(
            known.offsets(),
            known.__getitem__,
            KeptNowhere(),
            0.5,
            lambda _: None,
            skip_blank=skip_blank,
        )
        for (rows, marks), (bom, content) in zip(found, files, strict=True):
            expected = lines_of(content, skip_blank=skip_blank)
            assert rows == len(expected)
            for row, begin in marks.tolist():
                rest = ((BOM if bom else b"") + content)[begin:]
                assert lines_of(rest, skip_blank=skip_blank) == expected[row:]


COUNTING_ATTEMPT = """
import atexit, os, sys, time
from functools import partial
from batchprocess.data.index import build, count_lines
from batchprocess.data.index.__main__ import main
from batchprocess.data.index.blocks.cut import Cut
from batchprocess.storage.inputs.local import LocalInputs

count_lines.Cut = partial(Cut, size=1 << 16)
build._ALONE_BYTES = 0
whole, read_bytes = LocalInputs.read, 0

def read(place, known, start, stop):
    global read_bytes
    read_bytes += stop - start
    time.sleep(0.05)
    return whole(place, known, start, stop)

LocalInputs.read = read
code = main()
print(read_bytes, flush=True)
sys.exit(code)
"""
ATTEMPTS = 8


def attempt(tmp_path: Path, shard: int, shards: int) -> "subprocess.Popen[bytes]":
    """Lists and counts `in`, a run's input, as a process of its own; says at last what it read."""
    folder = tmp_path / f"{shard}"
    folder.mkdir()
    run = RunOfInput(uri=str(tmp_path / "run"), shard=shard, shards=shards, deadline_seconds=60)
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTING_ATTEMPT, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert process.stdin is not None
    question = Question(wanted=wanted_of(str(tmp_path / "in"), "lines"), run=run)
    process.stdin.write(question.model_dump_json().encode() + b"\n")
    process.stdin.flush()
    return process


def bytes_read(process: "subprocess.Popen[bytes]") -> int:
    """By one that has come to its end."""
    assert process.stdout is not None
    said = int(process.stdout.read().splitlines()[-1])
    with process:
        assert process.wait() == 0
    return said


def rows_found(tmp_path: Path, shard: int) -> int:
    return int(json.loads((tmp_path / f"{shard}" / "index.json").read_text())["rows"])


@pytest.fixture
def size(tmp_path: Path) -> int:
    """Bytes of an input of 800,000 lines."""
    (tmp_path / "in").mkdir()
    lines = "".join(f"{number}\n" for number in range(400_000))
    for name in "ab":
        (tmp_path / "in" / name).write_text(lines)
    return 2 * len(lines)


@pytest.mark.slow
def test_attempts_at_a_time_read_little_more_than_the_bytes_once(tmp_path: Path, size: int) -> None:
    running = [attempt(tmp_path, shard, ATTEMPTS) for shard in range(ATTEMPTS)]
    said = [bytes_read(process) for process in running]
    print("bytes read by each:", said, "of", size)
    assert sum(said) <= 1.3 * size
    assert {rows_found(tmp_path, shard) for shard in range(ATTEMPTS)} == {800_000}


@pytest.mark.slow
def test_what_a_killed_attempt_has_counted_is_not_read_again(tmp_path: Path, size: int) -> None:
    killed = attempt(tmp_path, 0, 2)
    with killed:
        while len(parts := [*(tmp_path / "run").glob("inputs/*/text-1/????????")]) < 5:
            assert killed.poll() is None
            time.sleep(0.02)
        killed.kill()
    assert bytes_read(attempt(tmp_path, 1, 2)) <= size - len(parts) * (1 << 16)
    assert rows_found(tmp_path, 1) == 800_000
    assert list(problems_of_inputs(LocalStorage(tmp_path / "run"))) == []
