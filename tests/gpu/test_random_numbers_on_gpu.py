"""Datasets and processors that use the GPU themselves: processes, and random numbers."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.run import RunSeeds
from batchprocess.sdk.seeding.generators import set_generators
from support.script_runs import Script

# Rows are made on the GPU, by loader workers too; batches are drawn on it; dies as it is told.
SCRIPT = """
import os, sys
import torch
from torch.utils.data import Dataset
from batchprocess import TorchBatchProcessor, torch_batch_process

class Rows(Dataset):
    def __len__(self):
        return 40

    def __getitem__(self, row):
        on_gpu = torch.full((2,), float(row), device="cuda")
        return torch.cat([on_gpu, torch.rand(1, device="cuda").double()]).cpu()

class P(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        self.model = context.prepare_model_for_inference(torch.nn.Linear(3, 1))

    def process_batch(self, batch, batch_idx):
        if batch_idx == int(os.environ.get("STOP_AT", -1)):
            raise RuntimeError("dies here")
        drawn = torch.rand(len(batch), 3, device=self.context.device)
        self.context.save("out.jsonl", {"batch": batch, "drawn": drawn})

torch.manual_seed(3)
torch_batch_process(P, Rows(), batch_size=4, checkpoint_interval=2,
                    dataloader_kwargs={"num_workers": int(sys.argv[1])})
"""


def run(script: Script, name: str, workers: int, *stops: int) -> list[Any]:
    environment = WorkerEnvironment(
        job="20300101T000000Z-one", job_name="job", run_uri=str(script.folder / name), shards=1
    ).to_env()
    for stop in stops:
        done = script.new_interpreter("job.py", str(workers), **environment, STOP_AT=str(stop))
        assert "dies here" in done.stderr, done.stderr
    done = script.new_interpreter("job.py", str(workers), **environment)
    assert (done.returncode, done.stderr) == (0, "")
    files = sorted(Path(script.folder, name, "tables", "out").glob("*.jsonl"))
    return [json.loads(line) for one in files for line in one.read_text().splitlines()]


@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_drawn_on_the_gpu_is_the_batchs_in_a_resumed_run_too(
    script: Script, cuda: torch.device, workers: int
) -> None:
    script.write("job.py", SCRIPT)
    whole = run(script, "whole", workers)
    assert [one["batch"][0] for one in whole] == list(range(40))
    assert run(script, "resumed", workers, 3, 7) == whole
    seeds = json.loads((script.folder / "whole" / "run.json").read_bytes())["seeds"]
    kept = RunSeeds.model_validate(seeds)
    torch.rand(1, device=cuda)
    for batch in range(10):
        set_generators(kept.loop, 4 * batch)
        drawn = torch.rand(4, 3, device=cuda).tolist()
        assert [one["drawn"] for one in whole[4 * batch : 4 * batch + 4]] == drawn
        set_generators(kept.loader, batch)
        read = [float(torch.rand(1, device=cuda)) for _ in range(4)]
        assert [one["batch"][2] for one in whole[4 * batch : 4 * batch + 4]] == read
