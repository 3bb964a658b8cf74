"""What is left of a cluster when it is ended, and when its starter is killed: nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import testcluster
from testcluster import __main__ as command
from testcluster import cgroups
from testcluster.network import Network, links
from testcluster.shell import output
from testcluster.tools import ROOT
from testcluster.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="a node needs root; control planes do not"),
]

STARTER = """
import pathlib, sys, testcluster
with testcluster.cluster(pathlib.Path(sys.argv[1])) as one:
    print("up", flush=True)
    sys.stdin.read()
"""


def _traces(folder: Path, network: Network) -> list[str]:
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


def test_an_ended_cluster_leaves_nothing(tmp_path: Path) -> None:
    with testcluster.cluster(tmp_path) as one:
        network = one.node.network
        inside = one.node.run("iptables-save")
        during = _traces(tmp_path, network)

    assert "KUBE-SERVICES" in inside
    assert network.link in during
    assert not [line for line in during if "KUBE-" in line]
    assert _traces(tmp_path, network) == []


def test_a_killed_starter_takes_its_cluster_with_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        starter.send_signal(signal.SIGKILL)
    network = Network.read(tmp_path / "network.json")

    # A cgroup is a folder: it stays, empty, until the next cluster of this number or `down`.
    groups = [str(path) for path in cgroups.left(network.cgroup)]
    until("no process or link is left", lambda: _traces(tmp_path, network) == groups, 30)
    command.down(tmp_path)

    assert _traces(tmp_path, network) == []


def test_a_cluster_for_a_person_lives_on_until_it_is_taken_down(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cluster"
    up = [sys.executable, "-m", "testcluster", "up", f"--folder={folder}"]
    printed = subprocess.run(up, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    network = Network.read(folder / "network.json")

    export, _, kubeconfig = printed.splitlines()[-1].partition("=")
    try:
        assert export == "export KUBECONFIG"
        assert testcluster.Kubectl(Path(kubeconfig)).names("nodes") == ["node-1"]
        assert command.main(["up", f"--folder={folder}"]) == 1
        assert "make cluster-down" in capfd.readouterr().err
    finally:
        assert command.main(["down", f"--folder={folder}"]) == 0

    assert _traces(folder, network) == []
    assert not folder.exists()
    assert command.main(["down", f"--folder={folder}"]) == 0
