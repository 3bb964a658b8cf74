"""Real Kueue beside a control plane: all that its chart makes, but its Deployment is a process."""

import base64
import contextlib
import functools
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from testcluster import ClusterError, ControlPlane
from testcluster.kubernetes.kubectl import Kubectl
from testcluster.machine.ports import answers, free_port
from testcluster.machine.programs import Program
from testcluster.tools import built

API_SERVER_FLAG = "--enable-aggregator-routing=true"
"""Has the API server find webhooks by endpoints: nothing routes addresses of Services here."""
ELASTIC = "ElasticJobsViaWorkloadSlices"
"""The gate of its elastic Jobs."""
NAMESPACE, SECRET, SERVICE = "kueue-system", "kueue-webhook-server-cert", "kueue-webhook-service"
USER = f"system:serviceaccount:{NAMESPACE}:kueue-controller-manager"
_NOT_HERE = ("Deployment", "APIService")


@contextlib.contextmanager
def kueue(plane: ControlPlane, *gates: str) -> Iterator[None]:
    """Kueue while the block runs; afterwards nobody asks its webhooks any more."""
    start_kueue(plane, *gates)
    try:
        yield
    finally:
        kinds = "mutatingwebhookconfigurations,validatingwebhookconfigurations"
        plane.kubectl("delete", kinds, "--selector=app.kubernetes.io/name=kueue")
        plane.programs.stop("kueue")


def start_kueue(plane: ControlPlane, *gates: str) -> None:
    """Start it with the rights that its chart gives it; its webhooks answer.

    `gates` are features that it leaves off by default.
    """
    folder = plane.folder / "kueue"
    certificates = folder / "certificates"
    certificates.mkdir(parents=True, exist_ok=True)
    address, documents = _own_address(), _documents()
    ports = {name: free_port(address) for name in ("webhook", "metrics", "health", "visibility")}
    plane.kubectl.apply(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}")
    objects = [one for one in documents if one["kind"] not in _NOT_HERE]
    applied = yaml.safe_dump_all([*objects, _endpoints(address, ports["webhook"])])
    plane.kubectl("apply", "--server-side", "--filename=-", stdin=applied)
    config = folder / "config.yaml"
    made = _config(documents, address, ports, certificates)
    made["featureGates"] = dict.fromkeys(gates, True)
    config.write_text(yaml.safe_dump(made))
    flags = (
        f"--config={config}",
        f"--kubeconfig={plane.client('kueue', USER)}",
        f"--visibility-server-port={ports['visibility']}",
    )
    health = f"http://{address}:{ports['health']}/readyz"
    mounted = functools.partial(_mount, plane.kubectl, certificates)
    ready: Callable[[], bool] = lambda: mounted() and answers(health)  # noqa: E731
    plane.programs.run(Program("kueue", (built("kueue"), *flags), ready))


def _documents() -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(Path(built("kueue.yaml")).read_text()) if one]


def _own_address() -> str:
    """Not loopback, which may be no endpoint. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("198.51.100.1", 9))
        return str(probe.getsockname()[0])


def _endpoints(address: str, port: int) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": SERVICE}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{SERVICE}-here", "namespace": NAMESPACE, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "", "port": port, "protocol": "TCP"}],
    }


def _config(
    documents: list[dict[str, Any]], address: str, ports: dict[str, int], certificates: Path
) -> dict[str, Any]:
    """The chart's, with places of this machine, and for Jobs only."""
    (map_,) = [one for one in documents if one["kind"] == "ConfigMap"]
    config: dict[str, Any] = yaml.safe_load(map_["data"]["controller_manager_config.yaml"])
    config["namespace"] = NAMESPACE
    config["leaderElection"] = {"leaderElect": False}
    config["integrations"] = {"frameworks": ["batch/job"]}
    config["health"] = {"healthProbeBindAddress": f"{address}:{ports['health']}"}
    config["metrics"] = {"bindAddress": f"{address}:{ports['metrics']}"}
    config["webhook"] = {"port": ports["webhook"], "certDir": str(certificates)}
    return config


def _mount(kubectl: Kubectl, folder: Path) -> bool:
    """As kubelet does with the Secret of its certificates, once it has made them."""
    try:
        data = kubectl.get("secret", SECRET, NAMESPACE).get("data", {})
    except ClusterError:
        return False
    for name, content in data.items():
        path, found = folder / name, base64.b64decode(content)
        # One that Kueue may be reading, of an earlier start, is never half there.
        if not path.exists() or path.read_bytes() != found:
            path.with_suffix(".new").write_bytes(found)
            path.with_suffix(".new").rename(path)
    return "tls.crt" in data
