"""The network of one cluster: a veth pair from the machine into the node's network namespace.

Everything else (the pods' links, kube-proxy's chains) is made inside that namespace and is gone
with its last process, the pair included. The machine gets one link and two routes over it:

    10.N.0.0/17    pods        10.N.128.0/18  services
    10.N.255.1     the machine, for pods: `host`        10.N.255.2  the node
"""

import ipaddress
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from testcluster.errors import ClusterError
from testcluster.machine.shell import output, succeeds
from testcluster.machine.waiting import until

NUMBERS = range(201, 250)


@dataclass(frozen=True)
class Network:
    """The addresses that belong to one number; `link` is the machine's end of the pair."""

    number: int

    @property
    def link(self) -> str:
        return f"bpcluster{self.number}"

    @property
    def pods(self) -> str:
        return f"10.{self.number}.0.0/17"

    @property
    def services(self) -> str:
        return f"10.{self.number}.128.0/18"

    @property
    def host(self) -> str:
        return f"10.{self.number}.255.1"

    @property
    def node(self) -> str:
        return f"10.{self.number}.255.2"

    @property
    def cgroup(self) -> str:
        """The cgroup of all pods, from the root of each hierarchy."""
        return f"batchprocess-{self.number}"

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "Network":
        return cls(**json.loads(path.read_text()))

    def remove(self) -> None:
        """Delete the link if it is there; its peer and routes go with it."""
        # The kernel deletes it itself some time after the node's last process: either may win.
        succeeds("ip", "link", "delete", self.link)
        until(f"the link {self.link} is gone", lambda: self.link not in links())


def connect(pid: int) -> Network:
    """Link the machine with the network namespace of a process, in a free range of addresses.

    The link's name is the claim: two clusters that start at once cannot both make it.
    Raises ClusterError if no range is free.
    """
    for number in NUMBERS:
        network = Network(number)
        if _is_free(number) and _claim(network, pid):
            _address(network, pid)
            return network
    raise ClusterError(
        f"none of 10.{NUMBERS[0]}.0.0/16 to 10.{NUMBERS[-1]}.0.0/16 is free; "
        "remove links of earlier clusters (`ip link show type veth`) with `make cluster-down`"
    )


def links() -> list[str]:
    """Names of the machine's network links."""
    return [one["ifname"] for one in json.loads(output("ip", "-json", "link", "show"))]


def _is_free(number: int) -> bool:
    wanted = ipaddress.ip_network(f"10.{number}.0.0/16")
    routes = json.loads(output("ip", "-json", "-4", "route", "show", "table", "all"))
    taken = (one["dst"] for one in routes if re.match(r"\d", one["dst"]))
    return not any(wanted.overlaps(ipaddress.ip_network(one, strict=False)) for one in taken)


def _claim(network: Network, pid: int) -> bool:
    pair = ("type", "veth", "peer", "name", "eth0", "netns", str(pid))
    if succeeds("ip", "link", "add", network.link, *pair):
        return True
    if network.link in links():
        return False
    # It failed for another reason: once more, for the sentence.
    output("ip", "link", "add", network.link, *pair)
    return True


def _address(network: Network, pid: int) -> None:
    inside = ("nsenter", f"--net=/proc/{pid}/ns/net", "--")
    output("ip", "address", "add", f"{network.host}/30", "dev", network.link)
    output("ip", "link", "set", network.link, "up")
    output(*inside, "ip", "address", "add", f"{network.node}/30", "dev", "eth0")
    output(*inside, "ip", "link", "set", "eth0", "up")
    output(*inside, "ip", "link", "set", "lo", "up")
    output(*inside, "ip", "route", "add", "default", "via", network.host)
    for range_ in (network.pods, network.services):
        output("ip", "route", "add", range_, "via", network.node)
