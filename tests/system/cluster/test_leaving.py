"""What is left of a cluster when it is ended, and when its starter is killed: nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import testcluster
from support.kube.cluster_traces import traces
from testcluster import __main__ as command
from testcluster.machine import cgroups
from testcluster.machine.network import Network
from testcluster.machine.waiting import until
from testcluster.tools import ROOT

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


def test_an_ended_cluster_leaves_nothing(tmp_path: Path) -> None:
    with testcluster.cluster(tmp_path) as one:
        network = one.node.network
        # kube-proxy writes them in its own time.
        until("it has rules", lambda: "KUBE-SERVICES" in one.node.run("iptables-save"))
        during = traces(tmp_path, network)

    assert network.link in during
    assert not [line for line in during if "KUBE-" in line]
    assert traces(tmp_path, network) == []


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
    until("no process or link is left", lambda: traces(tmp_path, network) == groups, 30)
    command.down(tmp_path)

    assert traces(tmp_path, network) == []
