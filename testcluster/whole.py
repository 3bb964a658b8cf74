"""A whole cluster on one machine: a control plane and one real node. Needs root."""

import contextlib
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from testcluster.containers import images
from testcluster.errors import ClusterError
from testcluster.kubernetes.kubectl import Kubectl
from testcluster.kubernetes.node import Node
from testcluster.kubernetes.plane import ControlPlane, Settings
from testcluster.kubernetes.played_nodes import is_ready
from testcluster.machine import cgroups, namespaces
from testcluster.machine.files import delete
from testcluster.machine.lending import Lent
from testcluster.machine.network import Network, connect
from testcluster.machine.programs import Programs
from testcluster.machine.waiting import until

NODE = "node-1"


class Cluster:
    """A running cluster: `kubeconfig`, `kubectl`, `programs`, and the `node`."""

    def __init__(self, plane: ControlPlane, node: Node) -> None:
        self.plane = plane
        self.node = node

    @property
    def kubeconfig(self) -> Path:
        return self.plane.kubeconfig

    @property
    def kubectl(self) -> Kubectl:
        return self.plane.kubectl

    @property
    def programs(self) -> Programs:
        return self.plane.programs

    @property
    def host_address(self) -> str:
        """The machine's address for pods; servers that pods use must listen there."""
        return self.node.network.host

    @property
    def api_service(self) -> str:
        """The address of the service `kubernetes`."""
        return str(ipaddress.ip_network(self.node.network.services)[1])


@contextlib.contextmanager
def cluster(
    folder: Path,
    flags: Mapping[str, Sequence[str]] | None = None,
    *,
    images_in_memory: bool = True,
) -> Iterator[Cluster]:
    """A cluster with all its files in an empty `folder`; ended and cleaned up on leaving.

    `flags` are further flags by program name. Images are in memory, which spares writing and
    deleting many small files: 0.7 GB with worker and operator. Those with torch are for the disk.
    Raises ClusterError if a part does not start.
    """
    programs = Programs(folder)
    try:
        yield start(programs, flags or {}, images_in_memory=images_in_memory)
    finally:
        remove(programs)


def start(
    programs: Programs,
    flags: Mapping[str, Sequence[str]],
    lent: Lent | None = None,
    *,
    images_in_memory: bool = False,
) -> Cluster:
    """Start everything and wait until the node is ready for pods; see `lending` for `lent`."""
    folder = programs.folder
    pid = namespaces.start(programs, images_in_memory=images_in_memory)
    network = connect(pid)
    network.write(folder / "network.json")
    settings = Settings(network.host, True, network.services, flags)
    plane = ControlPlane(programs, settings)
    node = Node(NODE, programs, pid, network)
    node.start_runtime(lent)
    node.import_image(images.pause(folder / "pause.tar"))
    plane.start()
    kubelet = plane.client("kubelet", f"system:node:{NODE}", "system:nodes")
    node.start_kubelet(kubelet, plane.authority.certificate, flags.get("kubelet", ()))
    proxy = plane.client("kube-proxy", "system:kube-proxy")
    node.start_proxy(proxy, flags.get("kube-proxy", ()))
    names = plane.client("coredns", "system:coredns")
    sees = ("--clusterrole=view", "--user=system:coredns")
    plane.kubectl("create", "clusterrolebinding", "coredns", *sees)
    node.start_names(names)
    until(f"{NODE} is Ready", lambda: is_ready(plane.kubectl, NODE))
    return Cluster(plane, node)


def node_of(folder: Path) -> Node:
    """The node of a cluster that another process has started in the folder.

    Raises ClusterError if none runs there.
    """
    written = folder / "network.json"
    if not written.exists():
        raise ClusterError(f"no cluster with a node runs in {folder}: `make cluster` starts one")
    programs = Programs(folder)
    first = programs.process(namespaces.NAME)
    if not first.alive():
        raise ClusterError(f"the cluster in {folder} has died: `make cluster-down` removes it")
    return Node(NODE, programs, first.pid, Network.read(written))


def remove(programs: Programs) -> None:
    """End everything that was started in the folder and take its traces off the machine.

    The logs stay in the folder; the bulk (etcd, images, volumes) is deleted.
    """
    programs.kill_all()
    written = programs.folder / "network.json"
    if written.exists():
        network = Network.read(written)
        network.remove()
        cgroups.remove(network.cgroup)
        written.unlink()
    for bulk in ("etcd", "containerd", "kubelet", "s3", "pause.tar"):
        delete(programs.folder / bulk)
