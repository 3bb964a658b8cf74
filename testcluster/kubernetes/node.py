"""The programs of a real node: containerd, kubelet, kube-proxy, CoreDNS."""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from testcluster.machine import cgroups, namespaces
from testcluster.machine.lending import CONFIG as LENDING
from testcluster.machine.lending import Lent, base_spec
from testcluster.machine.network import Network
from testcluster.machine.ports import answers
from testcluster.machine.programs import Program, Programs
from testcluster.machine.shell import output, succeeds
from testcluster.tools import built, installed

PAUSE_IMAGE = "localhost/batchprocess/pause:test"
SOCKET = "/run/containerd/containerd.sock"  # the node's own /run

CONTAINERD = """version = 2
root = "{folder}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # A machine that withholds CAP_SYS_RESOURCE may not lower the score, and runc would fail.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
"""

# It answers for the cluster only: there is nothing else in the pods' reach.
COREFILE = """.:53 {{
  ready
  errors
  kubernetes cluster.local {{
    kubeconfig {kubeconfig}
  }}
}}
"""


class Node:
    """One node: programs inside the namespaces of `pid`, reachable over `network`."""

    def __init__(self, name: str, programs: Programs, pid: int, network: Network) -> None:
        self.name = name
        self.programs = programs
        self.folder = programs.folder
        self.pid = pid
        self.network = network
        self._enter = namespaces.entering(pid)

    def start_runtime(self, lent: Lent | None = None) -> None:
        """Start containerd with the pods' network; containers see what is `lent`, read-only."""
        (self.folder / "cni").mkdir()
        network = json.dumps(_pod_network(self.network))
        (self.folder / "cni" / "10-pods.conflist").write_text(network)
        config = self.folder / "containerd.toml"
        text = CONTAINERD.format(folder=self.folder, socket=SOCKET, pause=PAUSE_IMAGE)
        if lent:
            spec = self.folder / "base-spec.json"
            spec.write_text(base_spec(output("ctr", "oci", "spec"), lent))
            text += LENDING.format(spec=spec)
        config.write_text(text)
        ready = functools.partial(succeeds, *self._enter, *self._ctr("version"))
        self._run("containerd", (installed("containerd"), f"--config={config}"), ready)

    def start_kubelet(self, kubeconfig: Path, authority: Path, flags: Sequence[str]) -> None:
        cgroups.create(self.network.cgroup)
        config = self.folder / "kubelet.yaml"
        config.write_text(yaml.safe_dump(_kubelet(self.network, authority)))
        argv = (
            *(built("testcluster"), "kubelet"),
            f"--config={config}",
            f"--kubeconfig={kubeconfig}",
            f"--hostname-override={self.name}",
            f"--node-ip={self.network.node}",
            *flags,
        )
        ready = functools.partial(answers, f"http://{self.network.node}:10248/healthz")
        self._run("kubelet", argv, ready)

    def start_names(self, kubeconfig: Path) -> None:
        """Start CoreDNS, so that services have their usual names."""
        config = self.folder / "Corefile"
        config.write_text(COREFILE.format(kubeconfig=kubeconfig))
        ready = functools.partial(answers, f"http://{self.network.node}:8181/ready")
        self._run("coredns", (built("coredns"), f"-conf={config}"), ready)

    def start_proxy(self, kubeconfig: Path, flags: Sequence[str]) -> None:
        argv = (
            *(built("testcluster"), "kube-proxy"),
            f"--kubeconfig={kubeconfig}",
            f"--hostname-override={self.name}",
            f"--cluster-cidr={self.network.pods}",
            "--proxy-mode=iptables",
            f"--healthz-bind-address={self.network.node}:10256",
            # These belong to the machine, not to a network namespace.
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
            *flags,
        )
        ready = functools.partial(answers, f"http://{self.network.node}:10256/healthz")
        self._run("kube-proxy", argv, ready)

    def run(self, *argv: str, seconds: float = 60.0) -> str:
        """Standard output of a command run on the node, in its namespaces."""
        return output(*self._enter, *argv, seconds=seconds)

    def import_image(self, archive: Path) -> None:
        """Load a docker-archive, so that pods can name its images with imagePullPolicy Never."""
        self.run(*self._ctr("--namespace=k8s.io", "images", "import", str(archive)), seconds=1800)

    def images(self) -> list[str]:
        """Names of the images that pods can use."""
        listed = self.run(*self._ctr("--namespace=k8s.io", "images", "list", "--quiet"))
        return [line for line in listed.splitlines() if not line.startswith("sha256:")]

    def processes(self, pod_uid: str) -> list[int]:
        """Ids, on the machine, of the processes of a pod, its sandbox's included."""
        return cgroups.processes(f"pod{pod_uid}", self.network.cgroup)

    def _run(self, name: str, argv: tuple[str, ...], ready: Callable[[], bool]) -> None:
        self.programs.run(Program(name, (*self._enter, *argv), ready, forks=True))

    def _ctr(self, *arguments: str) -> tuple[str, ...]:
        return ("ctr", f"--address={SOCKET}", *arguments)


def _pod_network(network: Network) -> Mapping[str, Any]:
    # Routed, one link per pod: what a bridge would hide from kube-proxy's chains does not exist.
    ranges = [[{"subnet": network.pods}]]
    addresses = {
        "type": "host-local",
        "ranges": ranges,
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": "/run/cni",
    }
    plugins = [{"type": "ptp", "ipMasq": False, "ipam": addresses}]
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": plugins}


def _kubelet(network: Network, authority: Path) -> Mapping[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{network.cgroup}",
        "clusterDNS": [network.node],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "failSwapOn": False,
        "failCgroupV1": False,
        "healthzBindAddress": network.node,
        "resolvConf": "/dev/null",
        # A test machine's disk is often nearly full; the node must not throw pods out for it.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "100Mi",
            "imagefs.available": "100Mi",
        },
        # The usual five minutes without a new pod are longer than any test waits.
        "evictionPressureTransitionPeriod": "1s",
        "imageGCHighThresholdPercent": 100,
        # What a test adds to the node's capacity is granted at the next look, not after 10 s.
        "nodeStatusUpdateFrequency": "1s",
        "nodeStatusReportFrequency": "5m",
        "serializeImagePulls": False,
    }
