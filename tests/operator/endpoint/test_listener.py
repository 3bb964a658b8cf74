"""Who may connect over TLS, how many at a time, and that nothing breaks the endpoint."""

import contextlib
import socket
import ssl
from dataclasses import replace

import aiohttp
import pytest

from batchprocess.protocol.progress import REPORTS_PATH
from batchprocess_operator.endpoint.connections.bounds import Bounds
from batchprocess_operator.listen.meters import Rate
from support.operator.fake_pods import POD, report
from support.operator.progress_server import GENEROUS, ProgressServer, progress_server
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


@pytest.mark.hostile
def test_plain_text_and_half_a_handshake_do_no_harm(server):
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b""):
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            plain.sendall(nonsense)
    assert post(server)[0] == 204


@pytest.mark.hostile
def test_a_worker_goes_on_while_all_places_of_strangers_are_taken():
    with progress_server(GENEROUS, bounds=Bounds(strangers=1, moment=3_600)) as server:
        context = trusting(server.ca)
        address = ("127.0.0.1", server.port)
        with (
            socket.create_connection(address, 30) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as worker,
        ):
            worker.sendall(request(server))
            assert worker.recv(12) == b"HTTP/1.1 204"
            with socket.create_connection(address, 30):
                worker.sendall(request(server))
                while b"HTTP/1.1 204" not in worker.recv(4_096):
                    pass


@pytest.mark.hostile
def test_handshakes_that_come_too_fast_are_refused_before_they_cost_anything():
    with progress_server(GENEROUS, bounds=Bounds(handshakes=Rate(3_600, burst=2))) as server:
        assert [post(server)[0] for _ in range(2)] == [204, 204]
        with pytest.raises(aiohttp.ClientError):
            post(server)


@pytest.mark.hostile
def test_an_address_that_brings_no_reports_is_refused_and_another_is_not():
    with progress_server(GENEROUS, bounds=Bounds(address=Rate(3_600, burst=3))) as server:
        said = [post(server, token=token)[0] for token in (None, "a.b.c", None, "a.b.c", "a.b.c")]
        assert said == [204, 401, 204, 401, 401]
        with pytest.raises(aiohttp.ClientError):
            post(server)
        with (
            socket.create_connection(
                ("127.0.0.1", server.port), 30, source_address=("127.0.0.2", 0)
            ) as plain,
            trusting(server.ca).wrap_socket(plain, server_hostname="127.0.0.1") as other,
        ):
            other.sendall(request(server))
            assert other.recv(12) == b"HTTP/1.1 204"


@pytest.mark.hostile
def test_of_too_many_that_say_nothing_the_first_have_to_go_and_reports_pass():
    bounds = Bounds(strangers=3, moment=0.5)
    with contextlib.ExitStack() as stack, progress_server(bounds=bounds) as server:
        address = ("127.0.0.1", server.port)
        mute = [stack.enter_context(socket.create_connection(address, 5)) for _ in range(8)]
        assert post(server)[0] == 204
        # Five made room for one another, and one for the report.
        for one in mute[:6]:
            with contextlib.suppress(ConnectionError):
                assert one.recv(1) == b""
        for one in mute[6:]:
            one.settimeout(0.2)
            with pytest.raises(TimeoutError):
                one.recv(1)


def request(server: ProgressServer) -> bytes:
    """A good report."""
    body = report(3, 4).model_dump_json().encode()
    head = f"POST {REPORTS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Authorization: Bearer {server.issuer.token(POD)}\r\n\r\n".encode() + body
