"""A job over files in a bucket, with no code of its user's that reads them."""

import json
from pathlib import Path
from typing import Any

import pytest

from batchprocess.storage.factory import open_storage
from support.e2e.checks import claims, predictions
from support.e2e.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HERE = Path(__file__).parent
ROWS = 240


def put_texts(world: World) -> list[dict[str, Any]]:
    """Three files of as many lines each, and what is to be saved of them."""
    lines = [{"id": f"t{row}", "text": "é" * (row % 17), "more": [row]} for row in range(ROWS)]
    bucket = open_storage(f"s3://{world.store.bucket}", world.settings())
    for part in range(3):
        share = lines[part * ROWS // 3 : (part + 1) * ROWS // 3]
        body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in share)
        bucket.create(f"texts/part-{part}.jsonl", body.encode())
    return [{"id": line["id"], "length": len(line["text"])} for line in lines]


def test_a_job_reads_the_files_of_its_input_and_a_deleted_pod_changes_nothing(
    world: World,
) -> None:
    expected = put_texts(world)
    world.prepare(texts=HERE / "texts")
    job = world.job("texts", "texts", processor="measure:Measure", shards=3, parallelism=1)
    job["spec"]["input"] = {"uri": f"s3://{world.store.bucket}/texts/*.jsonl"}
    job["spec"] |= {"batchSize": 16, "checkpointInterval": 1, "hparams": {"seconds": 2}}
    world.apply(job)
    # One pod at a time: the one that has committed is the one that is deleted.
    world.wait("texts", lambda status: (status.get("batches") or {}).get("done", 0) > 0)
    pod = world.running("texts")[0]["metadata"]["name"]
    world.kubectl("delete", "pod", pod, "--wait=false", "--namespace", world.namespace)
    status = world.wait("texts")
    assert (status["state"], status["batches"]) == ("Complete", {"done": 15, "total": 15}), status
    assert predictions(status["outputURI"], world) == expected
    assert len(claims(status["outputURI"], world)) > 3
