"""A job over files of which some lines are broken: it names them, and ends where there are many."""

import json
from pathlib import Path
from typing import Any

import pytest

from batchprocess.runs.bad_rows.of_run import bad_rows_of_run
from batchprocess.runs.results import find_run
from batchprocess.storage.factory import open_storage
from support.e2e.checks import predictions
from support.e2e.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HERE = Path(__file__).parent
ROWS, BROKEN = 96, (5, 40, 41, 90)


def put_texts(world: World, folder: str = "broken") -> list[dict[str, Any]]:
    """A file with broken lines, and what is to be saved of the others."""
    rows = [{"id": f"t{row}", "text": "x" * row} for row in range(ROWS)]
    lines = ["{broken" if n in BROKEN else json.dumps(row) for n, row in enumerate(rows)]
    bucket = open_storage(f"s3://{world.store.bucket}", world.settings())
    bucket.create(f"{folder}/texts.jsonl", "".join(f"{line}\n" for line in lines).encode())
    return [{"id": row["id"], "length": n} for n, row in enumerate(rows) if n not in BROKEN]


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((one for one in status.get("conditions", ()) if one["type"] == kind), {})


def test_too_many_bad_rows_end_a_job_and_a_retry_with_a_higher_limit_finishes_its_run(
    world: World,
) -> None:
    expected = put_texts(world)
    world.prepare(texts=HERE / "texts")
    job = world.job("broken", "texts", processor="measure:Measure", shards=3, parallelism=3)
    job["spec"]["input"] = {"uri": f"s3://{world.store.bucket}/broken/*.jsonl"}
    job["spec"] |= {"batchSize": 16, "checkpointInterval": 1, "hparams": {"seconds": 0}}
    job["spec"]["failurePolicy"] = {"onBadRow": "skip", "maxBadRows": 3}
    world.apply(job)
    status = world.wait("broken")
    failed = condition(status, "Failed")
    assert (status["state"], failed["reason"]) == ("Failed", "TooManyBadRows"), status
    assert failed["message"].startswith("the run has 4 bad rows, and failurePolicy.maxBadRows")
    assert condition(status, "BadRows")["reason"] == "AboveLimit"
    patch = {"spec": {"retry": 1, "failurePolicy": {"maxBadRows": 4}}}
    world.kubectl(
        *("patch", "bpj", "broken", "--namespace", world.namespace),
        *("--type=merge", f"--patch={json.dumps(patch)}"),
    )
    world.wait("broken", lambda status: status.get("retry") == 1, seconds=30)
    status = world.wait("broken")
    assert (status["state"], status["rows"], status["badRows"]) == ("Complete", ROWS, 4), status
    assert condition(status, "BadRows")["reason"] == "RowsLeftOut"
    assert predictions(status["outputURI"], world) == expected
    named = bad_rows_of_run(*find_run(open_storage(status["outputURI"], world.settings())))
    assert tuple(one.row.row for one in named) == BROKEN


def test_rows_that_raise_are_found_by_more_processes_of_the_pod_and_no_more_pods(
    world: World,
) -> None:
    expected = put_texts(world, "refused")
    world.prepare(texts=HERE / "texts")
    job = world.job("refused", "texts", processor="measure:Sum", shards=2, parallelism=2)
    job["spec"]["input"] = {"uri": f"s3://{world.store.bucket}/refused/*.jsonl"}
    refused = [7, 60, 61]
    job["spec"] |= {"batchSize": 16, "hparams": {"seconds": 0, "refused": refused}}
    job["spec"]["failurePolicy"] = {"onBadRow": "skip", "maxBadRows": 7, "maxRetriesPerShard": 0}
    world.apply(job)
    status = world.wait("refused")
    assert (status["state"], status["badRows"]) == ("Complete", len(BROKEN) + 3), status
    left = [row for row in expected if row["length"] not in refused]
    assert predictions(status["outputURI"], world) == left
    assert status["metrics"] == {"characters": sum(row["length"] for row in left)}
    assert len(world.pods("refused")) == 2
    # Of each shard the first process, and two or three for the rows that raise.
    assert status["attempts"] == 2 + 2 + 3
