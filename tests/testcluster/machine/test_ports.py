"""Ports that are free, and stay so until their program takes them."""

import socket
from pathlib import Path

import pytest

from testcluster.errors import ClusterError
from testcluster.machine import ports

GIVEN_TO_CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_no_connection_of_anybody_is_given_such_a_port() -> None:
    first = int(GIVEN_TO_CONNECTIONS.read_text().split()[0])
    assert max(ports.FREE_PORTS) < first
    assert {ports.free_port() for _ in range(50)} <= set(ports.FREE_PORTS)


def test_a_port_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as one:
        port = ports.free_port()
        one.bind(("127.0.0.1", port))
        monkeypatch.setattr(ports, "FREE_PORTS", range(port, port + 1))
        with pytest.raises(ClusterError, match="no port of"):
            ports.free_port()
