"""From process start to the first batch, beyond importing torch and boto3 and building the parts.

`python benchmarks/startup.py [s3://bucket/prefix --endpoint URL]` starts the agent as a pod would,
several times, and prints the parts of each start in seconds. Target: at most 0.5 s of our own.
"""

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from batchprocess.protocol.environment import S3Settings, WorkerEnvironment

SCRIPT = """
import json, os, time
stamps = {"python": time.time()}
import torch, boto3
stamps["torch and boto3"] = time.time()
from batchprocess import TorchBatchProcessor, torch_batch_process
from torch.utils.data import TensorDataset

class First(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        self.model = context.prepare_model_for_inference(torch.nn.Linear(8, 8))

    def process_batch(self, batch, batch_idx):
        if batch_idx == 0:
            stamps["first batch"] = time.time()
            with open(os.environ["STAMPS"], "w") as file:
                json.dump(stamps, file)

torch_batch_process(First, TensorDataset(torch.zeros(64, 8)), batch_size=8)
"""


def start_once(uri: str, s3: S3Settings, folder: Path) -> tuple[float, float]:
    """Seconds until the first batch, and of these the seconds spent importing torch and boto3."""
    environment = WorkerEnvironment(
        job="20260101T000000Z-bench",
        job_name="startup",
        run_uri=f"{uri}/startup/{secrets.token_hex(4)}",
        shards=1,
        s3=s3,
    )
    script, stamps = folder / "first.py", folder / "stamps.json"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "batchprocess.agent", "--", "python", str(script)]
    environ = {**os.environ, **environment.to_env(), "STAMPS": str(stamps)}
    began = time.time()
    subprocess.run(command, env=environ, check=True, capture_output=True)
    seen = json.loads(stamps.read_text())
    return seen["first batch"] - began, seen["torch and boto3"] - seen["python"]


def main() -> None:
    """Print medians over several starts; the first one warms the disk cache and is not counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri", nargs="?")
    parser.add_argument("--endpoint")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        uri = options.uri or f"{folder}/runs"
        s3 = S3Settings(endpoint=options.endpoint)
        runs = [start_once(uri, s3, Path(folder)) for _ in range(options.rounds + 1)][1:]
    own = [total - imports for total, imports in runs]
    print(f"start to first batch    {statistics.median(t for t, _ in runs):.2f} s")
    print(f"importing torch, boto3  {statistics.median(i for _, i in runs):.2f} s")
    print(
        f"our own                 {statistics.median(own):.2f} s, {min(own):.2f} to {max(own):.2f}"
    )


if __name__ == "__main__":
    main()
