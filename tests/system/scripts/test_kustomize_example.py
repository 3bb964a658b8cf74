"""examples/gitops/kustomize: the code that its ConfigMap is made of does its work."""

import io
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from batchprocess import results
from support.script_runs import Script

EXAMPLE = Path(__file__).parents[3] / "examples" / "gitops" / "kustomize"


def test_the_length_of_each_line_is_saved(script: Script) -> None:
    shutil.copytree(EXAMPLE, script.folder, dirs_exist_ok=True)
    job = yaml.safe_load((script.folder / "job.yaml").read_text())
    of_a_cluster = ("image", "source", "output")
    spec = {name: value for name, value in job["spec"].items() if name not in of_a_cluster}
    job["spec"] = spec | {"input": {"uri": "*.txt", "format": "text"}, "shards": 2}
    script.write("job.yaml", yaml.safe_dump(job))
    script.write("lines.txt", "a\nbcd\n\nef\n")
    done = script.batchprocess("run", "job.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = (script.folder / "batchprocess-runs").glob("lengths/*-*")
    tables = [pq.read_table(io.BytesIO(one.read())) for one in results(str(run))]
    assert sorted(n for table in tables for n in table["length"].to_pylist()) == [0, 1, 2, 3]
