"""An attempt loads of the index what its rows need, in whichever process reads them."""

import multiprocessing
from functools import partial
from pathlib import Path

import pytest

from batchprocess.data import csv, text
from batchprocess.data.index import build
from batchprocess.data.index.blocks.cut import Cut, WholeFiles
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.row_dataset import RowDataset
from batchprocess.protocol.errors import VerificationError
from batchprocess.storage.inputs.base import InputObject
from batchprocess.storage.inputs.local import LocalInputs
from batchprocess.storage.local import LocalStorage

FILES, ROWS = 6, 1_000


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "Cut", partial(Cut, size=2_000, void=0))
    monkeypatch.setattr(build, "WholeFiles", partial(WholeFiles, size=2_000, void=0))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of parts that were read from the run."""
    read, whole = list[str](), LocalStorage.get

    def get(storage: LocalStorage, key: str) -> bytes | None:
        name = key.rpartition("/")[2]
        if key.startswith("inputs/") and name.isdigit():
            read.append(name)
        return whole(storage, key)

    monkeypatch.setattr(LocalStorage, "get", get)
    return read


def attempt(tmp_path: Path, kind: str, shard: int) -> RowDataset:
    reader: RowDataset = {"text": text, "csv": csv}[kind](tmp_path / "in")
    known = RunOfInput(uri=str(tmp_path / "run"), shard=shard, shards=4, deadline_seconds=5)
    reader.prepare_in_run(known)
    return reader


def fill(folder: Path) -> None:
    folder.mkdir()
    for number in range(FILES):
        lines = "".join(f"{number}{row:04}\n" for row in range(ROWS))
        (folder / f"{number}.csv").write_text(f"x\n{lines}")


@pytest.mark.parametrize("kind", ["text", "csv"])
def test_only_parts_of_rows_that_are_read_are_loaded(
    tmp_path: Path, loaded: list[str], kind: str
) -> None:
    fill(tmp_path / "in")
    attempt(tmp_path, kind, 0)
    assert loaded == []
    reader = attempt(tmp_path, kind, 1)
    rows = len(reader)
    assert rows == FILES * (ROWS + (kind == "text"))
    assert loaded == []
    found = [*reader.__getitems__(range(rows // 4, rows // 2))]
    blocks = len([*(tmp_path / "run").glob("inputs/*/*/????????")])
    assert len(loaded) == len(set(loaded)) <= blocks // 4 + 2
    key = {"text": "text", "csv": "x"}[kind]
    everything = [row[key] for row in attempt(tmp_path, kind, 0).__getitems__(range(rows))]
    assert [row[key] for row in found] == everything[rows // 4 : rows // 2]


def values(reader: RowDataset) -> list[str]:
    return [row["text"] for row in reader.__getitems__([0, 2_500, 4_999])]


@pytest.mark.slow
def test_forked_copies_load_parts_for_each_other(tmp_path: Path, loaded: list[str]) -> None:
    fill(tmp_path / "in")
    attempt(tmp_path, "text", 0)
    reader = attempt(tmp_path, "text", 0)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        expected = pool.apply(values, (reader,))
    assert values(reader) == expected
    assert loaded == []


def test_a_part_that_is_gone_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "in")
    attempt(tmp_path, "text", 0)
    for part in (tmp_path / "run").glob("inputs/*/*/00000000"):
        part.unlink()
    reader = attempt(tmp_path, "text", 0)
    with pytest.raises(VerificationError, match="where rows of block 0 are .* is missing"):
        reader[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["text", "csv"])
def test_batches_of_256_rows_read_little_more_than_their_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Files have other numbers of rows, so that no batch begins where a row is marked."""
    (tmp_path / "in").mkdir()
    for number in range(3):
        lines = "".join(f"{row:060}\n" for row in range(9_001 + 10 * number))
        (tmp_path / "in" / f"{number}.csv").write_text(f"x\n{lines}")
    reader = attempt(tmp_path, kind, 0)
    rows, read, whole = len(reader), list[int](), LocalInputs.read

    def counted(place: LocalInputs, known: InputObject, start: int, stop: int) -> bytes:
        read.append(stop - start)
        return whole(place, known, start, stop)

    monkeypatch.setattr(LocalInputs, "read", counted)
    for first in range(0, rows, 256):
        reader.__getitems__(range(first, min(first + 256, rows)))
    assert sum(read) <= 1.2 * sum(one.stat().st_size for one in (tmp_path / "in").iterdir())
