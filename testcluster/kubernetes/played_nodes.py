"""Nodes that are only played, and resources that a node only says it has."""

import contextlib
import datetime
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from testcluster.errors import ClusterError
from testcluster.kubernetes.kubectl import Kubectl
from testcluster.machine.waiting import until

LEASES = "kube-node-lease"
BEAT_SECONDS = 10.0
ROOMY = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "256Gi", "pods": "1000"}


class PlayedNode:
    """A Node object that is ready and never runs anything; see `played_node`."""

    def __init__(self, kubectl: Kubectl, name: str) -> None:
        self.name = name
        self._kubectl = kubectl
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"heart-of-{name}", daemon=True)

    def create(self, capacity: Mapping[str, str], labels: Mapping[str, str]) -> None:
        """Create the node and its lease, say that it is ready, and keep saying so."""
        labels = {"kubernetes.io/hostname": self.name, **labels}
        node = {"apiVersion": "v1", "kind": "Node"}
        self._create({**node, "metadata": {"name": self.name, "labels": labels}})
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        spec = {"holderIdentity": self.name, "leaseDurationSeconds": 40, "renewTime": _now(6)}
        self._create({**lease, "metadata": {"name": self.name, "namespace": LEASES}, "spec": spec})
        resources = {**ROOMY, **capacity}
        condition = {"type": "Ready", "status": "True", "reason": "Played", "message": "played"}
        status = {
            "capacity": resources,
            "allocatable": resources,
            "conditions": [
                {**condition, "lastHeartbeatTime": _now(), "lastTransitionTime": _now()}
            ],
        }
        self._patch(f"node/{self.name}", {"status": status}, "--subresource=status")
        self._heart.start()

    def lose(self) -> None:
        """Stop beating, as if the machine lost power.

        The node controller calls the node unreachable after its grace period (50 s, or the flag
        --node-monitor-grace-period of the controller manager).
        """
        self._stop.set()
        if self._heart.is_alive():
            self._heart.join()

    def delete(self) -> None:
        """Delete the node and its lease, as a cloud does with a machine that is gone."""
        self.lose()
        self._kubectl("delete", "node", self.name, "--ignore-not-found")
        lease = ("lease", self.name, f"--namespace={LEASES}")
        self._kubectl("delete", *lease, "--ignore-not-found")

    def _create(self, manifest: Mapping[str, Any]) -> None:
        self._kubectl("create", "--filename=-", stdin=json.dumps(manifest))

    def _patch(self, target: str, patch: Mapping[str, Any], *flags: str) -> None:
        self._kubectl("patch", target, "--type=merge", f"--patch={json.dumps(patch)}", *flags)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            # Unanswered while a test has the API server down: the next beat will do.
            with contextlib.suppress(ClusterError):
                beat = {"spec": {"renewTime": _now(6)}}
                self._patch(f"lease/{self.name}", beat, f"--namespace={LEASES}")


@contextlib.contextmanager
def played_node(
    kubectl: Kubectl,
    name: str,
    capacity: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Iterator[PlayedNode]:
    """A node that is ready and never runs anything; deleted on leaving.

    Pods that are scheduled there stay Pending until a test writes their status. `capacity` adds
    to, or replaces, what a roomy machine has: {"nvidia.com/gpu": "8"}.
    """
    node = PlayedNode(kubectl, name)
    try:
        node.create(capacity or {}, labels or {})
        until(f"{name} is Ready", lambda: is_ready(kubectl, name))
        yield node
    finally:
        node.delete()


def add_capacity(kubectl: Kubectl, name: str, resources: Mapping[str, str]) -> None:
    """Make a real node say that it has more: {"nvidia.com/gpu": "2"}; wait until it is granted.

    kubelet takes an extended resource from the capacity into what it grants in a second or two.
    """
    patch = json.dumps({"status": {"capacity": dict(resources)}})
    kubectl("patch", "node", name, "--type=merge", f"--patch={patch}", "--subresource=status")
    until(
        f"{name} grants {dict(resources)}",
        lambda: resources.items() <= kubectl.get("node", name)["status"]["allocatable"].items(),
    )


def is_ready(kubectl: Kubectl, name: str) -> bool:
    """Whether the node exists, says that it is ready, and takes pods."""
    try:
        node = kubectl.get("node", name)
    except ClusterError:
        return False
    taints = [one["key"] for one in node["spec"].get("taints", ())]
    conditions = {one["type"]: one["status"] for one in node["status"].get("conditions", ())}
    return conditions.get("Ready") == "True" and "node.kubernetes.io/not-ready" not in taints


def _now(digits: int = 0) -> str:
    now = datetime.datetime.now(datetime.UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%S") + (f".{now.microsecond:06d}" if digits else "") + "Z"
