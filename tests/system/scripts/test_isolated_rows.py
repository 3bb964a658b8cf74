"""Bad rows that other processes find, while all is killed: reducers and hooks see the same."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from batchprocess import results
from support.killed_runs import bad_rows_of, copied, run, run_and_kill, run_folder
from support.script_runs import Script

pytestmark = pytest.mark.slow
CODE = """
import os, pathlib, time
from batchprocess import MetricReducer, TorchBatchProcessor

class Rows:
    def __len__(self):
        return 96

    def __getitem__(self, row):
        if row in (9, 50):
            raise ValueError("not read")
        return row

class Total(MetricReducer):
    def __init__(self):
        self.reset()
    def reset(self):
        self.total = 0
    def update(self, value):
        self.total += value
    def per_slot_reduce(self):
        return self.total
    def cross_slot_reduce(self, slots):
        return sum(slots)
    def state_dict(self):
        return {"total": self.total}
    def load_state_dict(self, state):
        self.total = state["total"]

class Stateful(TorchBatchProcessor):
    def __init__(self, context):
        self.context, self.lines = context, []
        self.rows = context.wrap_reducer(lambda updates: updates, name="rows")
        self.total = context.wrap_reducer(Total(), name="total")

    def process_batch(self, batch, batch_idx):
        time.sleep(0.1)
        rows = batch.tolist()
        self.context.save("x.jsonl", {"x": rows})
        for row in rows:
            self.rows.update(row)
            self.total.update(row)
            if row in (3, 41, 44, 80):
                raise TypeError(f"not processed: {row}")
            self.lines.append(row)
        self.context.report_metrics("g", batch_idx, {"rows": len(rows)})

    def on_checkpoint_start(self):
        with self.context.upload_path() as path:
            text = "".join(f"{row}\\n" for row in self.lines)
            pathlib.Path(path, "hooked.txt").write_text(text)
        self.lines = []

def dataset(hparams):
    return Rows()
"""
BAD = {3, 9, 41, 44, 50, 80}
GOOD = [row for row in range(96) if row not in BAD]


def rows_of(folder: Path, name: str) -> list[int]:
    files = [one for one in results(str(run_folder(folder))) if one.file.name == name]
    lines = [line for one in files for line in one.read().decode().split("\n") if line]
    return [json.loads(line)["x"] if name == "x.jsonl" else int(line) for line in lines]


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_folder(folder) / "summary.json").read_text())
    return found


def is_as_a_plain_loop_over_the_good_rows(folder: Path) -> None:
    assert [one.row for one in bad_rows_of(folder)] == sorted(BAD)
    assert rows_of(folder, "x.jsonl") == rows_of(folder, "hooked.txt") == GOOD
    assert summary(folder)["metrics"] == {"rows": GOOD, "total": sum(GOOD)}
    lines = (run_folder(folder) / "metrics" / "g.jsonl").read_text().splitlines()
    told = [(one["steps_completed"], one["metrics"]["rows"]) for one in map(json.loads, lines)]
    batches = [len(set(range(first, first + 8)) - BAD) for first in range(0, 96, 8)]
    assert told == [(number % 6, rows) for number, rows in enumerate(batches)]


def test_rows_are_left_out_alike_however_often_all_is_killed(script: Script) -> None:
    script.write("job.py", CODE)
    script.job(
        processor="job:Stateful",
        dataset="job:dataset",
        shards=2,
        batchSize=8,
        checkpointInterval=4,
        dataloader={"numWorkers": 1},
        failurePolicy={"onBadRow": "skip", "maxBadRows": 6, "maxAttemptsWithoutProgress": 12},
    )
    plain = copied(script.folder, "plain")
    seconds = run(plain)
    is_as_a_plain_loop_over_the_good_rows(plain)
    assert summary(plain)["attempts"] == 2 + 2 + 3 + 2
    chance = random.Random(11)
    killed = sum(run_and_kill(script.folder, chance.uniform(0.4, 0.9) * seconds) for _ in range(4))
    run(script.folder)
    assert killed
    is_as_a_plain_loop_over_the_good_rows(script.folder)
    verified = script.batchprocess("verify", str(run_folder(script.folder)))
    assert verified.returncode == 0, verified.stdout + verified.stderr
