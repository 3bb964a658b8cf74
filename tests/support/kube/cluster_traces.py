"""What a test cluster leaves on the machine."""

from pathlib import Path

from testcluster.machine import cgroups
from testcluster.machine.network import Network, links
from testcluster.machine.shell import output


def traces(folder: Path, network: Network) -> list[str]:
    """Everything on the machine that this cluster made outside its folder."""
    listed = output("ps", "-e", "-o", "args=").splitlines()
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    namespaces = [str(path) for path in Path("/run/netns").glob("cni-*")]
    rules = output("iptables-save").splitlines()
    return [
        *[line for line in listed if str(folder) in line and not line.startswith("ps ")],
        *[line for line in mounts if str(folder) in line],
        *[line for line in rules if "KUBE-" in line or network.pods in line],
        *[link for link in links() if link == network.link],
        *[str(path) for path in cgroups.left(network.cgroup)],
        *namespaces,
    ]
