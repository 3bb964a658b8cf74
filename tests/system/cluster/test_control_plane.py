"""A control plane alone: real answers, no node, no root."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

import testcluster
from testcluster import ControlPlane
from testcluster.machine.processes import Process
from testcluster.machine.waiting import until
from testcluster.tools import built

pytestmark = pytest.mark.slow

JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "pending"},
    "spec": {
        "completions": 3,
        "parallelism": 2,
        "completionMode": "Indexed",
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "nodeSelector": {"kubernetes.io/hostname": "played"},
                "containers": [
                    {
                        "name": "worker",
                        "image": "nowhere",
                        "resources": {"limits": {"nvidia.com/gpu": "1"}},
                    }
                ],
            }
        },
    },
}


def test_the_api_server_says_which_kubernetes_it_is(control_plane: ControlPlane) -> None:
    version = json.loads(control_plane.kubectl("version", "--output=json"))

    assert version["serverVersion"]["gitVersion"].startswith("v1.35.")
    assert version["clientVersion"]["gitVersion"] == version["serverVersion"]["gitVersion"]


def test_a_job_gets_pods_that_are_scheduled_on_a_played_node(control_plane: ControlPlane) -> None:
    kubectl = control_plane.kubectl
    with testcluster.played_node(kubectl, "played", {"nvidia.com/gpu": "8"}):
        kubectl.apply(json.dumps(JOB))

        until("two pods are bound to the node", lambda: _bound(control_plane) == ["played"] * 2)
        kubectl("delete", "job", "pending", "--cascade=foreground", "--wait=false")
        kubectl("delete", "pod", "--selector=job-name=pending", "--force", "--grace-period=0")


def test_a_played_node_is_gone_when_it_is_left(control_plane: ControlPlane) -> None:
    with testcluster.played_node(control_plane.kubectl, "short-lived"):
        assert "short-lived" in control_plane.kubectl.names("nodes")

    assert "short-lived" not in control_plane.kubectl.names("nodes")


def test_a_new_client_has_the_rights_of_its_groups_only(control_plane: ControlPlane) -> None:
    eve = testcluster.Kubectl(control_plane.client("eve", "eve", "developers"))

    with pytest.raises(testcluster.ClusterError, match=r"eve.* cannot list"):
        eve("get", "secrets")


def test_the_api_server_can_be_killed_and_started_again(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "configmap", "kept")

    control_plane.programs.stop("kube-apiserver", signal.SIGKILL)
    with pytest.raises(testcluster.ClusterError, match="refused"):
        control_plane.kubectl("get", "configmap", "kept")
    control_plane.programs.start("kube-apiserver")

    assert control_plane.kubectl.get("configmap", "kept")["metadata"]["name"] == "kept"


def test_a_stopped_controller_manager_makes_no_pods_until_it_is_started(
    control_plane: ControlPlane,
) -> None:
    kubectl = control_plane.kubectl
    control_plane.programs.stop("kube-controller-manager")
    kubectl.apply(json.dumps(JOB | {"metadata": {"name": "waiting"}}))
    assert kubectl.get("job", "waiting").get("status", {}) == {}

    control_plane.programs.start("kube-controller-manager")

    until("the job has pods", lambda: len(_pods(control_plane, "waiting")) == 2)
    kubectl("delete", "job", "waiting", "--cascade=foreground")


def test_nothing_runs_once_it_is_left(tmp_path: Path) -> None:
    with testcluster.control_plane(tmp_path) as plane:
        programs = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
        started = [plane.programs.process(name) for name in programs]
        assert all(one.alive() for one in started)

    assert not any(one.alive() for one in started)
    assert not (tmp_path / "etcd").exists()


def test_a_flag_that_does_not_exist_is_named(tmp_path: Path) -> None:
    settings = testcluster.Settings(flags={"kube-apiserver": ["--no-such-flag"]})

    with (
        pytest.raises(
            testcluster.ClusterError, match=r"(?s)kube-apiserver ended at once.*no-such-flag"
        ),
        testcluster.control_plane(tmp_path, settings),
    ):
        pass


def test_a_process_with_our_number_and_another_start_time_is_left_alone() -> None:
    this = Process.of(1)
    stranger = Process(this.pid, this.started + 1)

    assert not stranger.alive()
    stranger.end(signal.SIGKILL)  # ends nothing: it is not the one we started

    assert this.alive()


def _pods(plane: ControlPlane, job: str) -> list[str]:
    return plane.kubectl.names("pods", selector=f"job-name={job}")


def _bound(plane: ControlPlane) -> list[str]:
    listed = plane.kubectl("get", "pods", "--selector=job-name=pending", "--output=json")
    return [one["spec"].get("nodeName", "") for one in json.loads(listed)["items"]]


def test_the_one_program_says_what_it_is_and_is_kubectl_under_that_name() -> None:
    def says(*argv: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    helped = says(built("testcluster"), "--help")
    assert (helped.returncode, "kubectl" in helped.stdout) == (0, True)
    assert says(built("testcluster"), "kubelt").returncode == 2
    assert "Client Version: v1." in says(built("kubectl"), "version", "--client").stdout
