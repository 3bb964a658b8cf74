"""The script of Determined's guide, its class and call unchanged, alone and in shards."""

import io
import json

import pytest
import torch

from batchprocess import results
from support.script_runs import Script

pytestmark = pytest.mark.slow

# Imports, `get_model()` and a local image dataset are ours; the guide's has to be downloaded.
AROUND = """
import pathlib

import torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset

from batchprocess import TorchBatchProcessor, torch_batch_process


def get_model():
    torch.manual_seed(7)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
"""

CLASS = '''
"""
Define custom processor class
"""
class InferenceProcessor(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        self.model = context.prepare_model_for_inference(get_model())
        self.output = []
        self.last_index = 0

    def process_batch(self, batch, batch_idx) -> None:
        model_input = batch[0]
        model_input = self.context.to_device(model_input)

        with torch.no_grad():
            with self.profiler as p:
                pred = self.model(model_input)
                p.step()
                output = {"predictions": pred, "input": batch}
                self.output.append(output)

        self.last_index = batch_idx

    def on_checkpoint_start(self):
        # During checkpoint, we persist prediction result
        if len(self.output) == 0:
            return
        file_name = f"prediction_output_{self.last_index}"
        with self.context.upload_path() as path:
            file_path = pathlib.Path(path, file_name)
            torch.save(self.output, file_path)

        self.output = []
'''

DATASET = '''
"""
Initialize dataset
"""
class Scans(Dataset):
    def __init__(self):
        scans = load_digits()
        self.images = torch.tensor(scans.images, dtype=torch.float32)
        self.labels = scans.target

    def __len__(self):
        return len(self.images)

    def __getitem__(self, row):
        return (self.images[row] - 8) / 8, int(self.labels[row])

dataset = Scans()
'''

CALL = '''
"""
Pass processor class and dataset to torch_batch_process
"""
torch_batch_process(
        InferenceProcessor,
        dataset,
        batch_size=64,
        checkpoint_interval=10
    )
'''


def check_outputs(uri: str) -> None:
    """Every row's input and prediction, once and in dataset order."""
    batches = [
        batch
        for one in results(uri)
        for batch in torch.load(io.BytesIO(one.read()), weights_only=True)
    ]
    # Here, where it is used: it is a second of imports, and each process collects all tests.
    from sklearn.datasets import load_digits

    scans = load_digits()
    images = (torch.tensor(scans.images, dtype=torch.float32) - 8) / 8
    torch.manual_seed(7)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)).eval()
    with torch.no_grad():
        expected = model(images)
    assert torch.cat([batch["input"][1] for batch in batches]).tolist() == scans.target.tolist()
    assert torch.equal(torch.cat([batch["input"][0] for batch in batches]), images)
    torch.testing.assert_close(torch.cat([batch["predictions"] for batch in batches]), expected)


@pytest.fixture
def seed(script: Script) -> Script:
    script.write("inference.py", AROUND + CLASS + DATASET + CALL)
    return script


def test_alone(seed: Script) -> None:
    done = seed.new_interpreter("inference.py")
    assert done.returncode == 0, done.stderr
    folder = seed.folder / "batchprocess-runs" / "inference"
    check_outputs(str(folder / (folder / "latest").read_text().strip()))


@pytest.mark.parametrize("profile", [False, True])
def test_in_shards(seed: Script, profile: bool) -> None:
    seed.job(command=["python", "inference.py"], shards=3, parallelism=2, profile=profile)
    done = seed.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert (run["state"], run["rows"], run["shards"]) == ("complete", 1797, 3)
    check_outputs(run["uri"])
    traces = list((seed.folder / "batchprocess-runs").rglob("tensorboard/*/*.pt.trace.json"))
    assert len(traces) == (3 if profile else 0)
    for trace in traces:
        names = {event.get("name") for event in json.loads(trace.read_text())["traceEvents"]}
        parts = ("process_batch", "wait for data", "begin a commit")
        assert {"aten::linear", *(f"batchprocess: {part}" for part in parts)} <= names


def test_by_references(seed: Script) -> None:
    seed.write("code.py", AROUND + CLASS + DATASET + "\ndef scans(hparams):\n    return dataset\n")
    seed.job(processor="code:InferenceProcessor", dataset="code:scans", shards=2, batchSize=64)
    done = seed.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    check_outputs(json.loads(done.stdout)["uri"])
