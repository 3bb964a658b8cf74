"""The commands for clusters do on a real API server what they say."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from batchprocess.client.planning import run_plan
from support.commands import Command, batchprocess
from support.job_cases import job, spec
from support.kube.job_server import JobServer
from testcluster import Kubectl
from testcluster.machine.waiting import until

__all__ = ["batchprocess"]
pytestmark = pytest.mark.slow
TIME = "2030-01-01T12:00:00Z"
RUNNING = {
    "state": "Running",
    "batches": {"done": 1, "total": 4},
    "display": {"progress": "1/4", "shards": "0/1", "rate": "3/s", "eta": "1m"},
}
COMPLETE = {"state": "Complete", "completionTime": TIME, "outputURI": "s3://bucket/out/digits/r"}


@pytest.fixture
def verbs(
    batchprocess: Command, kubectl: Kubectl, server: JobServer, monkeypatch: pytest.MonkeyPatch
) -> Command:
    monkeypatch.setenv("KUBECONFIG", str(kubectl.kubeconfig))
    return batchprocess


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "job.yaml").write_text(json.dumps(job(spec())))
    return tmp_path / "job.yaml"


def test_a_job_lives_from_submit_to_its_end(verbs: Command, server: JobServer, file: Path) -> None:
    def live(*statuses: dict[str, Any]) -> None:
        for status in statuses:
            server.patch_status(status)

    assert verbs("submit", file).out == "digits: submitted to namespace default\n"
    again = verbs("submit", file)
    assert (again.code, "already" in again.err) == (1, True)
    thread = threading.Timer(1, live, [RUNNING, COMPLETE])
    thread.start()
    said = verbs("watch", "digits")
    thread.join()
    assert (said.code, said.out) == (0, "outputs: s3://bucket/out/digits/r\n")
    assert said.err.startswith("Pending\n")
    assert said.err.endswith("Complete: batches 1/4\ndigits is Complete\n")


@pytest.mark.parametrize("on_a_terminal", [False, True])
def test_ctrl_c_ends_the_watching_and_not_the_job(
    on_a_terminal: bool, verbs: Command, server: JobServer, file: Path
) -> None:
    verbs("submit", file)
    server.patch_status(RUNNING)
    ours, theirs = os.openpty()
    program = Path(sys.executable).parent / "batchprocess"
    shown: int = theirs if on_a_terminal else subprocess.PIPE
    with subprocess.Popen([program, "watch", "digits"], stderr=shown) as watching:
        os.close(theirs)
        reading = ours if on_a_terminal else watching.stderr.fileno()  # type: ignore[union-attr]
        text = b""
        while b"1/4" not in text:
            text += os.read(reading, 4096)
        watching.send_signal(signal.SIGINT)
        while b"goes on" not in text:
            text += os.read(reading, 4096)
        assert watching.wait(30) == 130
    os.close(ours)
    assert (b"\xe2\x94\x81" in text) is on_a_terminal
    assert server.get()["status"]["state"] == "Running"


def test_the_table_is_that_of_kubectl(
    verbs: Command, server: JobServer, kubectl: Kubectl, file: Path
) -> None:
    verbs("submit", file)
    server.patch_status(RUNNING)
    ours, theirs = verbs("get").out.splitlines(), kubectl("get", "bpj").splitlines()
    assert ours[0].split()[:-1] == theirs[0].split()
    assert ours[1].split()[:6] == theirs[1].split()[:6]
    assert verbs("get", "digits", "-o", "name").out == kubectl("get", "bpj", "-o", "name")
    shown = json.loads(kubectl("get", "bpj", "digits", "-o", "json"))
    assert verbs("get", "digits", "-o", "json").json == shown


def test_a_job_nested_deep_hides_no_other(
    verbs: Command,
    server: JobServer,
    kubectl: Kubectl,
    file: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    verbs("submit", file)
    deep = json.dumps(job(spec(hparams={"a": 0}), "deep"))
    levels = "[" * 3_000 + "]" * 3_000
    kubectl("create", "--filename=-", stdin=deep.replace('{"a": 0}', f'{{"a": {levels}}}'))
    listed = verbs("get")
    kubectl("delete", "bpj", "deep")
    assert [line.split()[0] for line in listed.out.splitlines()] == ["NAME", "digits"]
    assert "deep is left out: nested deeper than can be read" in caplog.text


def test_each_verb_is_taken(verbs: Command, server: JobServer, file: Path) -> None:
    verbs("submit", file)
    assert verbs("suspend", "digits").code == 0
    assert server.get()["spec"]["suspend"] is True
    assert verbs("resume", "digits").code == 0
    refused = verbs("retry", "digits")
    assert (refused.code, "only a job that has failed" in refused.err) == (91, True)
    assert verbs("cancel", "digits").out == "digits: cancelled before anything was begun\n"
    assert verbs("get").out == "no jobs in namespace default\n"
    assert verbs("get", "--context", "nowhere").code == 2


def test_a_folder_of_code_lives_and_goes_with_its_job(
    verbs: Command, server: JobServer, kubectl: Kubectl, file: Path, tmp_path: Path
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "inference.py").write_text("x = 1\n")
    (code / "weights").write_bytes(b"\xff" * (1 << 19))
    assert verbs("submit", file, "--source", code).code == 0
    name = server.get()["spec"]["source"]["configMap"]
    stored = kubectl.get("configmap", name, "default")
    assert stored["data"] == {"inference.py": "x = 1\n"}
    assert stored["metadata"]["ownerReferences"][0]["uid"] == server.get()["metadata"]["uid"]
    # The same again, before the garbage collector has seen that the first owner is gone.
    server.delete()
    assert verbs("submit", file, "--source", code).code == 0
    uid = server.get()["metadata"]["uid"]

    def owners() -> list[str]:
        found = kubectl.get("configmap", name, "default")["metadata"]["ownerReferences"]
        return [one["uid"] for one in found]

    until("the first owner is forgotten", lambda: owners() == [uid])
    server.delete()
    until("it is gone", lambda: name not in kubectl.names("configmaps", "default"))


def test_a_config_map_of_the_greatest_size_is_taken(
    verbs: Command, server: JobServer, file: Path, tmp_path: Path
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "weights").write_bytes(b"\xff" * (1 << 20))
    assert verbs("submit", file, "--source", code).code == 0
    server.delete()
    (code / "more").write_bytes(b"x")
    said = verbs("submit", file, "--source", code)
    assert (said.code, "copy the code into the job's image" in said.err) == (91, True)


def test_a_plan_that_finds_no_machine_is_told_and_leaves_nothing(
    verbs: Command,
    server: JobServer,
    kubectl: Kubectl,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_plan, "START_SECONDS", 3.0)
    code = tmp_path / "code"
    code.mkdir()
    (code / "inference.py").write_text("x = 1\n")
    said = verbs("submit", file, "--plan", "--source", code)
    assert said.code == 91
    assert "error: the pod that plans does not start: Unschedulable: no nodes" in said.err
    assert kubectl.names("bpj", "default") == []
    until("its Job is gone", lambda: kubectl.names("jobs,pods", "default") == [])
    mine = [name for name in kubectl.names("configmaps", "default") if "digits" in name]
    assert mine == []
