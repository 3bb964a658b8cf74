"""Jobs of examples/, run as a user runs them and killed in the middle."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from batchprocess import results
from support.script_runs import Script
from support.zygote.processes import forked

EXAMPLES = Path(__file__).parents[2] / "examples"
BLOCKED = """
import pathlib, time
from {module} import {name} as Example

class {name}(Example):
    def process_batch(self, batch, batch_idx):
        super().process_batch(batch, batch_idx)
        marker = pathlib.Path("reached")
        if batch_idx == {batch} and not marker.exists():
            marker.touch()
            time.sleep(600)  # until it is killed; not met again
"""


def copied(script: Script, example: str) -> None:
    """The example's files, where the commands of `script` run."""
    shutil.copytree(EXAMPLES / example, script.folder, dirs_exist_ok=True)


def run_and_kill(script: Script, processor: str, batch: int, job: str) -> int:
    """Run job.yaml, kill all of it with -9 in a shard's `batch`; how many rows were committed.

    A first run stands still there, so that it is neither too early nor over. job: where runs are.
    """
    module, name = processor.split(":")
    script.write("blocked.py", BLOCKED.format(module=module, name=name, batch=batch))
    yaml = (script.folder / "job.yaml").read_text()
    script.write("blocked.yaml", yaml.replace(processor, f"blocked:{name}"))
    command = [str(Path(sys.executable).parent / "batchprocess"), "run", "blocked.yaml"]
    with (script.folder / "told").open("wb") as told:
        with forked():
            process = subprocess.Popen(command, cwd=script.folder, stdout=told, stderr=told)
        while not (script.folder / "reached").exists() or not committed(job):
            assert process.poll() is None, (script.folder / "told").read_text()
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    return committed(job)


def committed(job: str) -> int:
    """Rows that the job's latest run has committed."""
    return sum(one.rows[1] - one.rows[0] for one in results(job))
