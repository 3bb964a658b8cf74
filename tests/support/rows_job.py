"""A job that writes its rows, a processor that behaves as a file tells it, for real processes."""

import json

from support.script_runs import Script

CODE = """
import json, pathlib, sys, time
from batchprocess import TorchBatchProcessor

class Writer(TorchBatchProcessor):
    def __init__(self, context):
        self.context, self.lines = context, []
        self.rows = context.wrap_reducer(len, name="rows")
        behave = pathlib.Path("behave.json")
        self.behave = json.loads(behave.read_text()) if behave.exists() else {}

    def process_batch(self, batch, batch_idx):
        time.sleep(self.behave.get("seconds", 0))
        if self.context.get_distributed_rank() == self.behave.get("poison"):
            raise ValueError("a row that nobody can read")
        for row in batch.tolist():
            self.lines.append(str(row))
            self.rows.update(1)

    def on_checkpoint_start(self):
        with self.context.upload_path() as path:
            pathlib.Path(path, "rows.txt").write_text("\\n".join(self.lines) + "\\n")
        self.lines = []

def dataset(hparams):
    return list(range(hparams.get("rows", 24)))

others = dataset
"""
SPEC = {
    "processor": "rows:Writer",
    "dataset": "rows:dataset",
    "shards": 3,
    "parallelism": 3,
    "batchSize": 2,
    "checkpointInterval": 1,
}


def behave(job: Script, **how: float) -> None:
    """For attempts from now on: `seconds` a batch, and the `poison`ed shard."""
    job.write("behave.json", json.dumps(how))
