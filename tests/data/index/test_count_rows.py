"""Rows are counted as they stand, in however many blocks, and once for all attempts of a run."""

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchprocess.data.index.blocks.count import LineBlocks
from batchprocess.data.index.blocks.cut import Cut
from batchprocess.data.index.blocks.kept import KeptNowhere
from batchprocess.data.index.blocks.open_lines import OpenLines
from batchprocess.data.index.count_rows import Counting, Sharing, count_rows
from batchprocess.data.index.folder import Index, write_index
from batchprocess.data.index.known import Known
from batchprocess.data.index.line_index import BOM, lines_of
from batchprocess.data.index.process import Question
from batchprocess.data.index.progress import Progress, tell_nobody
from batchprocess.data.index.wanted import wanted_of
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.listing.object_list import finish, write_objects
from batchprocess.protocol.environment import S3Settings
from batchprocess.runs.kept_inputs import problems_of_inputs
from batchprocess.runs.parallel import Threads
from batchprocess.runs.patience import ATTENDED
from batchprocess.storage.inputs.base import InputObject
from batchprocess.storage.local import LocalStorage
from data.index.formats.test_tar_samples import packed

CONTENT = st.lists(st.sampled_from([b"", b" ", b"a", b"b\xc3\xa4", b"\r"]), max_size=8).map(
    b"\n".join
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), CONTENT), min_size=1, max_size=5),
    st.integers(4, 40),
    st.integers(0, 6),
    st.data(),
)
def test_rows_are_those_of_each_file_whatever_the_blocks(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[bool, bytes]],
    size: int,
    void: int,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("index")
    contents = [(BOM if bom else b"") + content for bom, content in files]
    objects = []
    for number, whole in enumerate(contents):
        (folder / f"{number}").write_bytes(whole)
        objects.append((0, InputObject(f"{number}", len(whole))))
    listed = finish(folder, write_objects(folder, (str(folder),), objects))
    known = Known(listed, S3Settings(), ATTENDED)
    for skip_blank in (True, False):
        expected = [
            (number, row, line)
            for number, (_, content) in enumerate(files)
            for row, line in enumerate(lines_of(content, skip_blank=skip_blank))
        ]
        index = counted(known, folder, size, void, skip_blank=skip_blank)
        assert index.rows == len(expected)
        for row, (number, at, _) in enumerate(expected):
            place = index.place(row)
            assert (place.object, place.row) == (number, at)
            end = data.draw(st.integers(at + 1, place.end))
            span = index.span(place.block, number, (at, end), len(contents[number]))
            found = lines_of(contents[number][span.start : span.stop], skip_blank=skip_blank)
            wanted = [line for other, n, line in expected if other == number and at <= n < end]
            assert found[at - span.first_row : end - span.first_row] == wanted
        firsts = [next((n for n, one in enumerate(expected) if one[0] == number), None)
                  for number in range(len(files))]  # fmt: skip
        assert [index.first_row(number) for number in range(len(files))] == firsts


def counted(known: Known, folder: Path, size: int, void: int, *, skip_blank: bool) -> Index:
    cut = Cut(known.offsets(), size, void)
    with Threads(2) as threads:
        counting = Counting(cut, LineBlocks(cut, threads, skip_blank=skip_blank), known.told)
        sharing = Sharing(KeptNowhere(), 0.5, 1)
        counts = count_rows(counting, sharing, folder, Progress(tell_nobody))
    ends = OpenLines(lambda block: f"block {block}", skip_blank=skip_blank).resolve(counts)
    rows = [one.rows for one in counts]
    write_index(folder, zip(rows, ends, strict=True), cut.firsts, None)
    return Index(folder)


COUNTING_ATTEMPT = """
import atexit, os, sys, time
from functools import partial
from batchprocess.data.index import build
from batchprocess.data.index.__main__ import main
from batchprocess.data.index.blocks.cut import Cut, WholeFiles
from batchprocess.storage.inputs.local import LocalInputs

build.Cut = partial(Cut, size=1 << 16, void=0)
build.WholeFiles = partial(WholeFiles, size=1 << 16, void=0)
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
FILES = 40


def attempt(tmp_path: Path, shard: int, shards: int, rows: str) -> "subprocess.Popen[bytes]":
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
    question = Question(wanted=wanted_of(str(tmp_path / "in"), rows), run=run)
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


def fill(folder: Path, rows: str) -> int:
    """Forty files of 4,000 rows each; their bytes."""
    folder.mkdir()
    for number in range(FILES):
        texts = [f"{number},{row:060}" for row in range(4_000)]
        path = folder / f"{number:02}"
        match rows:
            case "tar":
                samples = [(f"{row}.txt", text.encode()) for row, text in enumerate(texts[:400])]
                path.write_bytes(packed(samples))
            case "packed":
                whole = "\n".join(texts).encode()
                path.with_suffix(".gz").write_bytes(gzip.compress(whole, compresslevel=0))
            case "parquet":
                table = pa.table({"text": texts})
                pq.write_table(table, path, row_group_size=500, compression="none")
            case _:
                path.write_text("a,b\n" * (rows == "csv") + "\n".join(texts))
    return sum(one.stat().st_size for one in folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "attempts"),
    [("lines", 32), ("csv", 32), ("tar", 12), ("packed", 12), ("parquet", 12)],
)
def test_attempts_at_a_time_read_little_more_than_the_bytes_once(
    tmp_path: Path, rows: str, attempts: int
) -> None:
    size = fill(tmp_path / "in", rows)
    asked = "lines" if rows == "packed" else rows
    running = [attempt(tmp_path, shard, attempts, asked) for shard in range(attempts)]
    said = [bytes_read(process) for process in running]
    print(f"{rows}: {sum(said) / size:.3f} of {size} bytes, by each:", said)
    assert sum(said) <= 1.3 * size
    expected = FILES * (400 if rows == "tar" else 4_000)
    assert {rows_found(tmp_path, shard) for shard in range(attempts)} == {expected}


@pytest.mark.slow
@pytest.mark.parametrize("rows", ["lines", "csv"])
def test_what_a_killed_attempt_has_counted_is_not_read_again(tmp_path: Path, rows: str) -> None:
    size = fill(tmp_path / "in", rows)
    killed = attempt(tmp_path, 0, 2, rows)
    with killed:
        while len(known := [*(tmp_path / "run").glob("inputs/*/*/????????.json")]) < 5:
            assert killed.poll() is None
            time.sleep(0.02)
        killed.kill()
    # With the head of the first file, for what its columns are called.
    most = size - len(known) * (1 << 16) + (1 << 16) * (rows == "csv")
    assert bytes_read(attempt(tmp_path, 1, 2, rows)) <= most
    assert rows_found(tmp_path, 1) == FILES * 4_000
    assert list(problems_of_inputs(LocalStorage(tmp_path / "run"))) == []
