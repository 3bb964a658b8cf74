"""Readers' batches on a GPU: sent ahead, with bad rows between them, and rows as they were read."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from batchprocess.protocol.environment import WorkerEnvironment
from support.script_runs import Script

# Row 7 of 40 is no JSON, row 18 is said to be bad, row 29 makes the whole batch raise.
SCRIPT = """
import os, sys
import torch
from batchprocess import TorchBatchProcessor, torch_batch_process
from batchprocess.data import jsonl

class P(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        self.model = context.prepare_model_for_inference(torch.nn.Identity())

    def process_batch(self, batch, batch_idx):
        if batch_idx == int(os.environ.get("STOP_AT", -1)):
            os._exit(9)
        x = self.context.to_device(batch["x"])
        assert x.device.type == self.context.device.type
        numbers = self.context.to_device(batch["n"]).tolist()
        if 29 in numbers:
            raise ValueError("no 29")
        if 18 in numbers:
            self.context.fail(numbers.index(18), "no 18")
            keep = [one != 18 for one in numbers]
            x = x[torch.tensor(keep, device=x.device)]
            columns = {name: [one for one, good in zip(column, keep) if good]
                       for name, column in batch.columns.items()}
        else:
            columns = dict(batch.columns)
        self.context.save("out.parquet", {**columns, "doubled": self.model(x) * 2})

torch_batch_process(P, jsonl("rows.jsonl"), batch_size=4, checkpoint_interval=2,
                    dataloader_kwargs={"num_workers": int(sys.argv[1])})
"""
BAD = [7, 18, 29]


def write_rows(folder: Path) -> None:
    rows = [json.dumps({"n": row, "t": f"t{row}", "x": row + 0.5}) for row in range(40)]
    rows[7] = "{no json"
    folder.joinpath("rows.jsonl").write_text("\n".join(rows))


def run(script: Script, name: str, workers: int, *stops: int) -> list[dict[str, Any]]:
    environment = WorkerEnvironment(
        job="20300101T000000Z-one",
        job_name="job",
        run_uri=str(script.folder / name),
        shards=1,
        on_bad_row="skip",
        max_bad_rows="3",
    ).to_env()
    for stop in stops:
        died = script.new_interpreter("job.py", str(workers), **environment, STOP_AT=str(stop))
        assert died.returncode == 9, died.stderr
    done = script.new_interpreter("job.py", str(workers), **environment)
    assert done.returncode == 0, done.stderr
    # Those that records name: one that died in a commit has left others, and none cleans here.
    records = sorted(Path(script.folder, name, "ledger", "00000").glob("*.json"))
    files = [one for path in records for one in json.loads(path.read_text()).get("files", [])]
    tables = [one["key"] for one in files if one["name"] == "out.parquet"]
    return [row for key in tables for row in pq.read_table(script.folder / name / key).to_pylist()]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.usefixtures("cuda")
def test_rows_of_a_reader_that_are_not_bad_come_out_once(script: Script, workers: int) -> None:
    script.write("job.py", SCRIPT)
    write_rows(script.folder)
    whole = run(script, "whole", workers)
    good = [row for row in range(40) if row not in BAD]
    assert [row["n"] for row in whole] == good
    assert [(row["t"], row["doubled"]) for row in whole] == [(f"t{n}", 2 * n + 1) for n in good]
    files = Path(script.folder, "whole", "errors").glob("*/*.jsonl")
    named = [json.loads(line)["row"] for one in files for line in one.read_text().splitlines()]
    assert sorted(named) == BAD
    assert run(script, "resumed", workers, 3, 6, 9) == whole
