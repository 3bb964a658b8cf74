"""A real node: kubelet, containerd and kube-proxy in namespaces of their own. Needs root."""

import http.server
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import testcluster
from testcluster import Cluster
from testcluster.containers import images
from testcluster.machine.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="a node needs root; control planes do not"),
]

SLEEP = "import time; time.sleep(600)"
REACH = """
import json, os, ssl, sys, urllib.request
account = "/var/run/secrets/kubernetes.io/serviceaccount"
trusted = ssl.create_default_context(cafile=f"{account}/ca.crt")
api = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
version = json.load(urllib.request.urlopen(f"{api}/version", context=trusted, timeout=20))
host = urllib.request.urlopen(sys.argv[1], timeout=20).read().decode()
print(version["gitVersion"], host, os.getuid())
"""


@pytest.fixture
def host_server(cluster: Cluster) -> Iterator[str]:
    """URL of a server of this machine, at the address where pods can reach it."""

    class Greeting(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello-from-the-host")

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((cluster.host_address, 0), Greeting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{cluster.host_address}:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_indexed_job_runs_to_its_end(cluster: Cluster, worker_image: str) -> None:
    say = "import os; print('index', os.environ['JOB_COMPLETION_INDEX'])"
    job = _job("indexed", worker_image, "-c", say)
    job["spec"] |= {"completions": 3, "parallelism": 3, "completionMode": "Indexed"}
    cluster.kubectl.apply(json.dumps(job))

    _wait_for_job(cluster, "indexed")

    logs = cluster.kubectl("logs", "--selector=job-name=indexed")
    assert sorted(logs.split("\n")) == ["", "index 0", "index 1", "index 2"]
    assert cluster.kubectl.get("job", "indexed")["status"]["completedIndexes"] == "0-2"


def test_a_pod_reaches_the_api_service_and_a_server_of_the_machine(
    cluster: Cluster, worker_image: str, host_server: str
) -> None:
    cluster.kubectl.apply(json.dumps(_job("reaching", worker_image, "-c", REACH, host_server)))

    _wait_for_job(cluster, "reaching")

    version, greeting, user = cluster.kubectl("logs", "job/reaching").split()
    assert version.startswith("v1.35.")
    assert greeting == "hello-from-the-host"
    assert user == "65532"


def test_the_machine_reaches_a_pod_through_its_service(cluster: Cluster, worker_image: str) -> None:
    pod = _pod("serving", worker_image, "-m", "http.server", "8000", "--directory=/etc")
    service = {"selector": {"app": "serving"}, "ports": [{"port": 80, "targetPort": 8000}]}
    cluster.kubectl.apply(json.dumps(pod))
    cluster.kubectl.apply(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "serving"},
                "spec": service,
            }
        )
    )
    address = cluster.kubectl.get("service", "serving")["spec"]["clusterIP"]

    until(
        "the service answers",
        lambda: testcluster.machine.ports.answers(f"http://{address}/hostname"),
    )

    cluster.kubectl("delete", "pod/serving", "service/serving", "--grace-period=0", "--force")


def test_a_pod_finds_a_service_by_its_name(cluster: Cluster, worker_image: str) -> None:
    ask = "import socket; print(socket.gethostbyname('kubernetes.default.svc'))"
    cluster.kubectl.apply(json.dumps(_job("asking", worker_image, "-c", ask)))

    _wait_for_job(cluster, "asking")

    assert cluster.kubectl("logs", "job/asking").strip() == cluster.api_service


def test_torch_is_imported_from_the_machine_by_a_user_that_is_not_root(
    cluster: Cluster, worker_image: str
) -> None:
    job = _job(
        "torch", worker_image, "-c", "import torch, batchprocess.sdk; print(torch.ones(2).sum())"
    )
    host, spec = images.HostPython(), job["spec"]["template"]["spec"]
    spec["volumes"] = host.volumes()
    spec["containers"][0]["volumeMounts"] = host.mounts()
    cluster.kubectl.apply(json.dumps(job))

    _wait_for_job(cluster, "torch", seconds=180)

    assert cluster.kubectl("logs", "job/torch").strip() == "tensor(2.)"


def test_a_killed_process_is_seen_as_137(cluster: Cluster, worker_image: str) -> None:
    cluster.kubectl.apply(json.dumps(_pod("victim", worker_image, "-c", SLEEP)))
    until("the pod runs", lambda: _phase(cluster, "victim") == "Running")
    uid = cluster.kubectl.get("pod", "victim")["metadata"]["uid"]

    (python,) = [pid for pid in cluster.node.processes(uid) if SLEEP in _command(pid)]
    os.kill(python, signal.SIGKILL)

    until("the pod failed", lambda: _phase(cluster, "victim") == "Failed")
    (container,) = cluster.kubectl.get("pod", "victim")["status"]["containerStatuses"]
    assert container["state"]["terminated"]["exitCode"] == 137


def test_a_pod_that_asks_for_a_gpu_runs_once_the_node_says_it_has_one(
    cluster: Cluster, worker_image: str
) -> None:
    pod = _pod("on-gpu", worker_image, "-c", "print('on a gpu')")
    pod["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "1"}}
    cluster.kubectl.apply(json.dumps(pod))

    testcluster.add_capacity(cluster.kubectl, cluster.node.name, {"nvidia.com/gpu": "2"})

    until("the pod succeeded", lambda: _phase(cluster, "on-gpu") == "Succeeded")


def test_a_pod_outlives_restarts_of_kubelet_and_containerd(
    cluster: Cluster, worker_image: str
) -> None:
    cluster.kubectl.apply(json.dumps(_pod("steady", worker_image, "-c", SLEEP)))
    until("the pod runs", lambda: _phase(cluster, "steady") == "Running")
    before = cluster.node.processes(cluster.kubectl.get("pod", "steady")["metadata"]["uid"])

    cluster.programs.restart("kubelet", signal.SIGKILL)
    cluster.programs.restart("containerd", signal.SIGKILL)

    until("a command runs in the pod", lambda: _answers(cluster, "steady"))
    uid = cluster.kubectl.get("pod", "steady")["metadata"]["uid"]
    assert set(before) <= set(cluster.node.processes(uid))
    cluster.kubectl("delete", "pod", "steady", "--grace-period=0", "--force")


def _job(name: str, image: str, *arguments: str) -> dict[str, Any]:
    spec = {"backoffLimit": 0, "template": {"spec": _pod(name, image, *arguments)["spec"]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def _pod(name: str, image: str, *arguments: str) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python3", *arguments],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }


def _wait_for_job(cluster: Cluster, name: str, seconds: int = 120) -> None:
    wait = ("wait", f"job/{name}", "--for=condition=Complete", f"--timeout={seconds}s")
    cluster.kubectl(*wait, seconds=seconds + 10)


def _phase(cluster: Cluster, pod: str) -> str:
    return str(cluster.kubectl.get("pod", pod)["status"]["phase"])


def _answers(cluster: Cluster, pod: str) -> bool:
    try:
        return cluster.kubectl("exec", pod, "--", "python3", "-c", "print('alive')") == "alive\n"
    except testcluster.ClusterError:  # kubelet has not seen its pods yet
        return False


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()
