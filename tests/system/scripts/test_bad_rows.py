"""Jobs that leave bad rows out, killed in the middle: the same rows are named, nothing is lost."""

import io
import json
import random
import shutil
from pathlib import Path
from typing import Any

import PIL.Image
import pyarrow.parquet as pq
import pytest

from batchprocess import results
from support.killed_runs import bad_rows_of, copied, run, run_and_kill, run_folder
from support.script_runs import Script

pytestmark = pytest.mark.slow
EXAMPLE = Path(__file__).parents[3] / "examples" / "images"


def named(folder: Path) -> list[tuple[int, Any, str | None, int, str, str]]:
    return [
        (one.row, one.id, one.file, one.batch, one.stage, one.type) for one in bad_rows_of(folder)
    ]


def contents(folder: Path) -> list[dict[str, Any]]:
    """Rows of all files, in dataset order."""
    found: list[dict[str, Any]] = []
    for one in results(str(run_folder(folder))):
        if one.file.name.endswith(".parquet"):
            found += pq.read_table(io.BytesIO(one.read())).to_pylist()
        else:
            found += [json.loads(line) for line in one.read().splitlines()]
    return found


def image(number: int) -> bytes:
    made = io.BytesIO()
    colour = (number * 5 % 256, number * 7 % 256, number * 11 % 256)
    PIL.Image.new("RGB", (90, 70), colour).save(made, "JPEG", quality=95)
    return made.getvalue()


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_folder_of_images_of_which_three_are_corrupt(tmp_path: Path, share: float) -> None:
    folder = tmp_path / "job"
    shutil.copytree(EXAMPLE, folder)
    (folder / "images").mkdir()
    for number in range(60):
        (folder / "images" / f"{number:03d}.jpg").write_bytes(image(number))
    (folder / "images" / "007.jpg").write_bytes(image(7)[:300])
    (folder / "images" / "031.jpg").write_bytes(b"<html>404 Not Found</html>")
    (folder / "images" / "032.jpg").write_bytes(b"")
    plain = copied(folder, "plain")
    run_and_kill(folder, share * run(plain))
    run(folder)
    assert named(folder) == [
        (7, "007.jpg", "images/007.jpg", 0, "reading", "OSError"),
        (31, "031.jpg", "images/031.jpg", 3, "reading", "UnidentifiedImageError"),
        (32, "032.jpg", "images/032.jpg", 0, "reading", "UnidentifiedImageError"),
    ]
    assert named(plain) == named(folder)
    rows = contents(folder)
    assert rows == contents(plain)
    assert [row["row"] for row in rows] == [n for n in range(60) if n not in {7, 31, 32}]
    assert [row["id"] for row in rows[:2]] == ["000.jpg", "001.jpg"]
    assert rows[3]["colour"] == pytest.approx([15 / 255, 21 / 255, 33 / 255], abs=0.01)


EVERY_KIND = """
import ctypes, random, time
import torch
from batchprocess import TorchBatchProcessor

class Rows:
    def __len__(self):
        return 96

    def row_ids(self, rows):
        return [f"n{row}" for row in rows]

    def __getitem__(self, row):
        if row in (9, 50):
            raise ValueError("not read")
        if row == 21:
            ctypes.string_at(0)
        return row, random.random()

def dataset(hparams):
    return Rows()

class Every(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    @staticmethod
    def collate_fn(items):
        if any(row == 30 for row, _ in items):
            raise KeyError("not collated")
        return torch.tensor(items, dtype=torch.float64)

    def process_batch(self, batch, batch_idx):
        time.sleep(0.1)
        rows = batch[:, 0].int().tolist()
        left = [at for at, row in enumerate(rows) if row not in (3, 60)]
        for at, row in enumerate(rows):
            if row in (3, 60):
                self.context.fail(at, f"failed {row}")
        noise = batch[left, 1] + torch.rand(len(left), dtype=torch.float64)
        self.context.save("x.jsonl", {"x": noise, "batch": [batch_idx] * len(left)})
        if 41 in rows or 80 in rows:
            raise TypeError("not processed")
"""
BAD = {
    3: "process_batch", 9: "reading", 21: "reading", 30: "collating",
    41: "process_batch", 50: "reading", 60: "process_batch", 80: "process_batch",
}  # fmt: skip


def test_rows_of_every_kind_are_the_same_however_often_all_is_killed(script: Script) -> None:
    script.write("job.py", EVERY_KIND)
    script.job(
        processor="job:Every",
        dataset="job:dataset",
        shards=2,
        batchSize=8,
        checkpointInterval=2,
        seed=5,
        dataloader={"numWorkers": 2},
        failurePolicy={"onBadRow": "skip", "maxBadRows": 20},
    )
    plain = copied(script.folder, "plain")
    seconds = run(plain)
    chance = random.Random(7)
    killed = sum(run_and_kill(script.folder, chance.uniform(0.4, 0.9) * seconds) for _ in range(6))
    run(script.folder)
    assert killed
    assert {row: stage for row, _, _, _, stage, _ in named(plain)} == BAD
    assert named(script.folder) == named(plain)
    assert named(plain)[2][1:] == ("n21", None, 2, "reading", "SIGSEGV")
    rows = contents(script.folder)
    assert rows == contents(plain)
    assert [row["row"] for row in rows] == [n for n in range(96) if n not in BAD]
    assert [row["id"] for row in rows] == [f"n{row['row']}" for row in rows]
