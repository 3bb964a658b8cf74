"""`output.delta` of a stored object is what the run does: from the API server to the bucket.

The operator makes both Jobs; what their pods would start is started here, with their commands and
environments, and on a real S3 server.
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
from batchprocess.storage.factory import open_storage
from support.job_cases import job, spec
from support.operator.process import OperatorProcess, operator_process
from support.storage.s3_server import Server
from support.storage.s3_stores import gateway
from testcluster.machine.waiting import until

__all__ = ["gateway"]
pytestmark = pytest.mark.slow
CODE = """
from batchprocess import TorchBatchProcessor

class Halves(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        self.context.save("halves.parquet", {"half": batch / 2})

def rows():
    return list(range(20))
"""


@pytest.fixture
def operator(
    control_plane: testcluster.ControlPlane,
    kubectl: testcluster.Kubectl,
) -> Iterator[OperatorProcess]:
    with operator_process(control_plane, "delta-operator") as one:
        yield one


class Job:
    """One of one shard, whose pods have no node."""

    def __init__(self, kubectl: testcluster.Kubectl, folder: Path, name: str) -> None:
        self.kubectl, self.folder, self.name = kubectl, folder, name

    def items(self, role: str, kind: str) -> list[dict[str, Any]]:
        labels = f"batchprocess.dev/job={self.name},batchprocess.dev/role={role}"
        listed = self.kubectl("get", kind, f"--selector={labels}", "--output=json")
        found: list[dict[str, Any]] = json.loads(listed)["items"]
        return found

    def run(self, role: str) -> None:
        """What the container of its pod starts, here; then the pod has ended as that has."""
        until(f"{self.name} has its {role} pod", lambda: bool(self.items(role, "pods")))
        (pod,) = self.items(role, "pods")
        container = pod["spec"]["containers"][0]
        given = {one["name"]: one["value"] for one in container["env"] if "value" in one}
        message = self.folder / f"{role}-message"
        message.touch()
        here = {"BATCHPROCESS_INDEX": "0", "BATCHPROCESS_TERMINATION_LOG": str(message)}
        ended = subprocess.run(
            [word if word != "python" else sys.executable for word in container["command"]],
            cwd=self.folder,
            env={**os.environ, **given, **here},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        over = {"exitCode": 0, "message": message.read_text()}
        usual = {"ready": False, "restartCount": 0, "image": "a:1", "imageID": ""}
        worker = {"name": "worker", "state": {"terminated": over}, **usual}
        patch = json.dumps({"status": {"phase": "Succeeded", "containerStatuses": [worker]}})
        pod_name = pod["metadata"]["name"]
        self.kubectl("patch", "pod", pod_name, "--subresource=status", "-p", patch)

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.kubectl.get("bpj", self.name).get("status", {})
        return found


@pytest.mark.parametrize("delta", [False, None])
def test_a_job_without_a_log_of_delta_lake_has_none_and_another_has_one(
    kubectl: testcluster.Kubectl,
    operator: OperatorProcess,
    gateway: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    delta: bool | None,
) -> None:
    for variable, value in gateway.env().items():
        monkeypatch.setenv(variable, value)
    (tmp_path / "halves.py").write_text(CODE)
    name = "delta-default" if delta is None else "delta-false"
    output = {
        "uri": f"s3://{gateway.bucket}/{tmp_path.name}",
        "s3": {"endpoint": gateway.endpoint, "region": "us-east-1"},
    } | ({} if delta is None else {"delta": delta})
    made = spec(processor="halves:Halves", dataset="halves:rows", output=output)
    made |= {"batchSize": 4, "checkpointInterval": 1}
    kubectl.apply(json.dumps(job(made, name)))
    one = Job(kubectl, tmp_path, name)
    try:
        for role in ("worker", "finalizer"):
            one.run(role)
        until("it is complete", lambda: one.status.get("state") == "Complete")
        run = open_storage(one.status["outputURI"], gateway.settings())
        keys = [found.key for found in run.list("tables/halves/")]
        assert sum(key.endswith(".parquet") for key in keys) == 5
        assert any("_delta_log" in key for key in keys) == (delta is None)
        summary = json.loads(run.get("summary.json") or b"")
        said = {} if delta is None else {"halves": "spec.output.delta is false"}
        assert summary["withoutDeltaLog"] == said
    finally:
        kubectl("delete", "bpj", name, "--wait=false")
