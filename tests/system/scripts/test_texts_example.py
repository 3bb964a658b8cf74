"""examples/texts: JSON lines on a real S3 server become one table of embeddings, each text once."""

import json
import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.dataset as ds
import pytest
import torch
from pyarrow.fs import FileSystem, S3FileSystem

from batchprocess import results
from batchprocess.storage.factory import open_storage
from support.example_runs import EXAMPLES, copied, run_and_kill
from support.script_runs import Script
from support.storage.s3_server import KEY, SECRET, Server
from support.storage.s3_stores import gateway

__all__ = ["gateway"]
pytestmark = pytest.mark.slow
TEXTS = {
    f"doc-{number:03d}": " ".join(f"word{number * at % 97}" for at in range(number * 7 % 60))
    for number in range(600)
}


@pytest.fixture
def job(script: Script, gateway: Server, monkeypatch: pytest.MonkeyPatch) -> Script:
    """The example's folder, three files of texts in the bucket, and what reaches it."""
    for name, value in gateway.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", gateway.endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    copied(script, "texts")
    bucket = open_storage("s3://work/texts")
    rows = [json.dumps({"lang": "en", "id": name, "text": text}) for name, text in TEXTS.items()]
    for number in range(3):
        lines = "\n".join(rows[200 * number : 200 * (number + 1)]) + "\n"
        bucket.put(f"{number}.jsonl", lines.encode())
    return script


def reader(server: Server) -> FileSystem:
    return S3FileSystem(
        access_key=KEY, secret_key=SECRET, endpoint_override=server.endpoint, region="us-east-1"
    )


def vectors_of_single_texts() -> list[list[float]]:
    """What the example's model makes of each text by itself, without any padding."""
    example: dict[str, Any] = runpy.run_path(str(EXAMPLES / "texts" / "embed.py"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = example["Encoder"]().eval()
    with torch.inference_mode():
        return [model(example["tokenized"](one)[None])[0].tolist() for one in TEXTS.values()]


def test_every_text_has_its_vector_once_though_all_was_killed_in_the_middle(
    job: Script, gateway: Server
) -> None:
    planned = job.batchprocess("plan", "job.yaml")
    assert planned.returncode == 0, planned.stderr
    assert "rows: 600" in planned.stdout
    assert "input: 3 files" in planned.stdout
    assert 0 < run_and_kill(job, "embed:Embed", batch=3, job="s3://work/runs/texts") < len(TEXTS)
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert "credentials" not in done.stderr, "what boto tells is in the way"
    assert job.batchprocess("verify", "job.yaml").returncode == 0

    table = results("s3://work/runs/texts").table("embeddings").to_table()
    assert table["id"].to_pylist() == list(TEXTS)
    assert table["row"].to_pylist() == list(range(len(TEXTS))), "to sort by where order is lost"
    found = torch.tensor(table["embedding"].to_pylist())
    torch.testing.assert_close(found, torch.tensor(vectors_of_single_texts()))
    run = open_storage("s3://work/runs/texts").get("latest")
    assert run is not None
    folder = str(Path("work/runs/texts", run.decode().strip(), "tables/embeddings"))
    assert ds.dataset(folder, filesystem=reader(gateway)).to_table().equals(table)
    frame = pd.read_parquet(folder, filesystem=reader(gateway))
    pd.testing.assert_frame_equal(frame, table.to_pandas())
