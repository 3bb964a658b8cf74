"""Who may connect over TLS, how many at a time, and that nothing breaks the endpoint."""

import contextlib
import socket
import ssl
from dataclasses import replace

import aiohttp
import pytest

from batchprocess_operator.endpoint.limits import Rate
from batchprocess_operator.endpoint.listener import Bounds
from support.operator.progress_server import GENEROUS, progress_server
from support.operator.report_client import post, send, trusting


def test_a_client_that_pins_another_ca_does_not_talk_to_us(server):
    with progress_server() as other, pytest.raises(aiohttp.ClientConnectorCertificateError):
        send(replace(server, ca=other.ca), data=b"")


def test_old_versions_of_tls_are_not_spoken(server):
    context = trusting(server.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", server.port)) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_plain_text_and_half_a_handshake_do_no_harm(server):
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b""):
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            plain.sendall(nonsense)
    assert post(server)[0] == 204


def test_beyond_the_most_connections_a_handshake_is_refused_and_the_others_go_on():
    with progress_server(GENEROUS, bounds=Bounds(total=1)) as server:
        context = trusting(server.ca)
        with (
            socket.create_connection(("127.0.0.1", server.port)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as first,
        ):
            # Until it has answered, the server may not have counted it.
            first.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert first.recv(12) == b"HTTP/1.1 404"
            with pytest.raises(aiohttp.ClientConnectorError):
                post(server)
            first.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert first.recv(65_536)


def test_handshakes_that_come_too_fast_are_refused_before_they_cost_much():
    with progress_server(GENEROUS, bounds=Bounds(handshakes=Rate(3_600, burst=2))) as server:
        assert [post(server)[0] for _ in range(2)] == [204, 204]
        with pytest.raises(aiohttp.ClientConnectorError):
            post(server)


def test_of_too_many_that_say_nothing_the_first_have_to_go_and_reports_pass():
    with contextlib.ExitStack() as stack, progress_server(bounds=Bounds(silent=3)) as server:
        address = ("127.0.0.1", server.port)
        mute = [stack.enter_context(socket.create_connection(address, 5)) for _ in range(8)]
        assert post(server)[0] == 204
        # Five made room for one another, and one for the report.
        assert [one.recv(1) for one in mute[:6]] == [b""] * 6
        for one in mute[6:]:
            one.settimeout(0.2)
            with pytest.raises(TimeoutError):
                one.recv(1)
