"""Rows that wait for their turn: as they were in the call, in the order of batches, or dropped."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import torch

from batchprocess.protocol.errors import SchemaDiffers
from batchprocess.sdk.save.aside.aside_saver import AsideSaver
from batchprocess.sdk.save.table_schemas import TableSchemas

KIB = 1 << 10


@pytest.fixture(params=[64 << 20, 4 * KIB], ids=["in memory", "on the disk"])
def saver(tmp_path: Path, request: pytest.FixtureRequest) -> AsideSaver:
    made = AsideSaver(tmp_path, max_bytes=request.param, schemas=TableSchemas())
    yield made
    made.close()


def files(saver: AsideSaver) -> dict[str, Path]:
    cut = saver.cut_files()
    return {} if cut is None else cut.files.result(30)


def waits(saver: AsideSaver) -> int:
    """What is in memory once the encoder has done what it was given."""
    saver._encoder._pool.submit(lambda: None).result(30)
    return saver._budget.used


def test_they_are_in_the_file_in_the_order_of_their_turn(saver: AsideSaver) -> None:
    asides = {
        n: saver.set_aside("x.npy", {"x": torch.full((512,), n)}, range(512)) for n in (2, 0, 1)
    }
    for n in range(3):
        saver.append([asides[n]])
    found = np.load(files(saver)["x.npy"])
    assert found.tolist() == [n for n in range(3) for _ in range(512)]
    assert waits(saver) == 0
    assert not list(saver._folder.glob("aside-*"))


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_every_kind_of_column_comes_back_as_it_was(saver: AsideSaver, suffix: str) -> None:
    columns: dict[str, Any] = {
        "text": [f"ä{n}" for n in range(100)],
        "tensor": torch.arange(400.0).reshape(100, 4)[:, ::2],
        "array": np.arange(100, dtype=np.int16),
        "list": [[n, None] for n in range(100)],
    }
    if suffix == "parquet":
        columns["half"] = torch.ones(100, dtype=torch.bfloat16)
    plain = AsideSaver(saver._folder / "plain", schemas=TableSchemas())
    plain.save(f"x.{suffix}", columns, range(100))
    aside = [saver.set_aside(f"x.{suffix}", columns, range(100)) for _ in range(3)]
    columns["array"][:] = -1
    columns["text"][0] = "changed"
    saver.append(aside[:1])
    for one in aside[1:]:
        saver.drop(one)
    wanted, found = (files(one)[f"x.{suffix}"] for one in (plain, saver))
    if suffix == "jsonl":
        assert found.read_bytes() == wanted.read_bytes()
    else:
        assert pyarrow.parquet.read_table(found) == pyarrow.parquet.read_table(wanted)
    plain.close()


def test_what_is_dropped_is_in_no_file_and_gives_its_room_back(saver: AsideSaver) -> None:
    asides = [saver.set_aside("x.npy", {"x": torch.ones(1024)}, range(1024)) for _ in range(6)]
    for one in asides:
        saver.drop(one)
    assert waits(saver) == 0
    assert saver.cut_files() is None
    assert not list(saver._folder.glob("aside-*"))


def test_many_never_wait_and_few_are_in_memory(tmp_path: Path) -> None:
    saver = AsideSaver(tmp_path, max_bytes=8 * KIB)
    asides = [saver.set_aside("x.npy", {"x": torch.zeros(512)}, range(512)) for _ in range(64)]
    assert waits(saver) <= 8 * KIB
    assert not saver.is_full
    assert len(list(tmp_path.glob("aside-*"))) > 50
    saver.append(asides)
    assert np.load(files(saver)["x.npy"]).shape == (64 * 512,)
    saver.close()


def test_a_batch_is_taken_whole_or_not_at_all(saver: AsideSaver) -> None:
    good = saver.set_aside("a.parquet", {"x": [1]}, [0])
    saver.append([good])
    batch = [
        saver.set_aside("a.parquet", {"x": [2]}, [1]),
        saver.set_aside("b.parquet", {"x": [2]}, [1]),
        saver.set_aside("c.parquet", {"x": [2]}, [1]),
    ]
    differs = saver.set_aside("b.parquet", {"x": ["text"]}, [1])
    with pytest.raises(SchemaDiffers, match=r"'b.parquet': column 'x' has string here.*int64"):
        saver.append([*batch, differs])
    other = saver.set_aside("b.parquet", {"x": ["text"]}, [2])
    saver.append([other])  # what was refused is known to nobody
    found = files(saver)
    assert found.keys() == {"a.parquet", "b.parquet"}
    assert pyarrow.parquet.read_table(found["a.parquet"])["x"].to_pylist() == [1]
    for one in (*batch, differs):
        saver.drop(one)
    assert waits(saver) == 0


def test_types_of_the_run_are_asked_for_in_the_call(saver: AsideSaver) -> None:
    saver.append([saver.set_aside("a.npy", {"x": torch.ones(1)}, [0])])
    with pytest.raises(SchemaDiffers, match="float64"):
        saver.set_aside("a.npy", {"x": torch.ones(1, dtype=torch.float64)}, [0])
    with pytest.raises(TypeError, match="id"):
        saver.set_aside("a.npy", {"x": torch.ones(1)}, [object()])


def test_a_full_disk_is_raised_by_the_next_call(tmp_path: Path) -> None:
    saver = AsideSaver(tmp_path / "file" / "none", max_bytes=KIB)
    (tmp_path / "file").write_text("in the way")
    saver.set_aside("x.npy", {"x": torch.ones(1024)}, range(1024))
    waits(saver)
    with pytest.raises(OSError, match="file"):
        saver.set_aside("x.npy", {"x": torch.ones(1)}, [0])
    saver.close()
