"""A job over some rows, through an operator on a real API server, in a real worker.

Pods have no node: what their container is told is given to an agent here, and what it has come to
is written into their statuses.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import testcluster
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.storage.factory import open_storage
from support.job_cases import job, spec
from support.operator.process import OperatorProcess, operator_process
from support.skipping_runs import bad_rows
from support.storage.made_run import complete
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow
CODE = """
import os
from batchprocess import TorchBatchProcessor

class Rows:
    def __len__(self):
        return 10

    def __getitem__(self, row):
        if row == 3:
            os._exit(1)
        return row

class Save(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        self.context.save("rows.jsonl", {"row": self.context.rows, "value": batch})
"""
SDK = "batchprocess.sdk"
NOT_HERE = ("TERMINATION_LOG", "PROGRESS_URL", "PROGRESS_CA", "PROGRESS_TOKEN_FILE")


@pytest.fixture(scope="module")
def operator(control_plane: testcluster.ControlPlane) -> Iterator[OperatorProcess]:
    with operator_process(control_plane, "rows-operator") as one:
        yield one


def worker_jobs(kubectl: testcluster.Kubectl) -> list[dict[str, Any]]:
    labels = "--selector=batchprocess.dev/job=some-rows,batchprocess.dev/role=worker"
    found: list[dict[str, Any]] = json.loads(kubectl("get", "jobs", labels, "--output=json"))[
        "items"
    ]
    return sorted(found, key=lambda one: str(one["metadata"]["name"]))


def environment(made: dict[str, Any]) -> dict[str, str]:
    (container,) = made["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    return {
        name: value
        for name, value in told.items()
        if name.removeprefix("BATCHPROCESS_") not in NOT_HERE
    }


def run_worker(told: dict[str, str], folder: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "batchprocess.agent", "--", sys.executable, "-m", SDK],
        cwd=folder,
        env=os.environ | told | {"BATCHPROCESS_INDEX": "0"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    return done.returncode


def fail_pod(kubectl: testcluster.Kubectl, made: dict[str, Any]) -> None:
    """Its pod ends with a code that ends the job."""
    owner = made["metadata"]["name"]

    def pods() -> list[str]:
        selector = f"--selector=batch.kubernetes.io/job-name={owner}"
        return kubectl("get", "pods", selector, "--output=name").split()

    until("its pod is made", lambda: bool(pods()))
    over = {"exitCode": int(ExitCode.CANNOT_WORK), "message": "row 3 ends its process"}
    usual = {"ready": False, "restartCount": 0, "image": "a:1", "imageID": ""}
    worker = {"name": "worker", "state": {"terminated": over}, **usual}
    patch = json.dumps({"status": {"phase": "Failed", "containerStatuses": [worker]}})
    kubectl("patch", pods()[0], "--subresource=status", "-p", patch)


def test_rows_of_another_run_are_wanted_and_one_is_left_out_by_hand_in_a_retry(
    kubectl: testcluster.Kubectl, operator: OperatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "some_rows.py").write_text(CODE)
    other = open_storage(str(tmp_path / "other"))
    complete(other, bad=(2, 3, 8))
    wanted = spec(
        output={"uri": f"file://{tmp_path}/out"},
        rows={"badRowsOf": other.uri},
        processor="some_rows:Save",
        dataset="some_rows:Rows",
        shards=1,
        batchSize=2,
    )
    kubectl.apply(json.dumps(job(wanted, "some-rows")))
    until("its worker Job is made", lambda: len(worker_jobs(kubectl)) == 1)
    (first,) = worker_jobs(kubectl)
    told = environment(first)
    assert told["BATCHPROCESS_PROTOCOL"] == "2"
    assert json.loads(told["BATCHPROCESS_ROWS"]) == {"bad_rows_of": other.uri, "skip": []}
    assert run_worker(told, tmp_path) == ExitCode.USER_CODE
    fail_pod(kubectl, first)

    def state() -> object:
        return kubectl.get("bpj", "some-rows").get("status", {}).get("state")

    until("the job has failed", lambda: state() == "Failed")
    # What a person does who has read which row it was.
    patch = json.dumps({"spec": {"rows": {"skip": [3]}, "retry": 1}})
    kubectl("patch", "bpj", "some-rows", "--type=merge", f"--patch={patch}")
    until("its second worker Job is made", lambda: len(worker_jobs(kubectl)) == 2)
    again = environment(worker_jobs(kubectl)[1])
    assert json.loads(again["BATCHPROCESS_ROWS"]) == {"bad_rows_of": other.uri, "skip": [3]}
    assert run_worker(again, tmp_path) == 0
    run = Path(again["BATCHPROCESS_RUN_URI"].removeprefix("file://"))
    assert run == Path(told["BATCHPROCESS_RUN_URI"].removeprefix("file://"))
    saved = b"".join(path.read_bytes() for path in sorted((run / "tables/rows").iterdir()))
    assert [json.loads(line)["row"] for line in saved.splitlines()] == [2, 8]
    assert [(one.row, one.stage) for one in bad_rows(run)] == [(3, "skipped")]
