"""A real Kubernetes on a bare Linux machine, for tests and for trying things out."""

from testcluster.errors import ClusterError
from testcluster.kubernetes.kubectl import Kubectl
from testcluster.kubernetes.plane import ControlPlane, Settings, control_plane
from testcluster.kubernetes.played_nodes import PlayedNode, add_capacity, played_node
from testcluster.whole import Cluster, cluster

__all__ = [
    "Cluster",
    "ClusterError",
    "ControlPlane",
    "Kubectl",
    "PlayedNode",
    "Settings",
    "add_capacity",
    "cluster",
    "control_plane",
    "played_node",
]
