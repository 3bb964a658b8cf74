"""Requests are read within bounds, and connections kept within bounds, over real TLS."""

import socket
import zlib

import pytest

from batchprocess.protocol.progress import MAX_REPORT_BYTES
from batchprocess_operator.endpoint.connections.bounds import Bounds
from support.operator.fake_pods import POD, report
from support.operator.progress_server import GENEROUS, progress_server
from support.operator.report_client import post, send, trusting


@pytest.mark.hostile
def test_a_body_above_four_kib_is_refused_also_if_its_length_is_not_announced(server):
    body = report(3).model_dump_json().encode()
    fits = body + b" " * (MAX_REPORT_BYTES - len(body))
    assert post(server, fits)[0] == 204

    async def in_pieces():
        for _ in range(50):
            yield b" " * 100

    token = {"Authorization": f"Bearer {server.issuer.token(POD)}"}
    for large in (fits + b" ", in_pieces()):
        status, said, _ = send(server, data=large, headers=token)
        assert (status, said) == (413, {"error": "a report has at most 4096 bytes"})
    assert len(server.arrivals.taken) == 1


@pytest.mark.hostile
def test_a_compressed_body_is_not_unpacked(server):
    headers = {
        "Authorization": f"Bearer {server.issuer.token(POD)}",
        "Content-Encoding": "deflate",
    }
    bomb = zlib.compress(report(3).model_dump_json().encode() + b" " * 1_000_000)
    assert len(bomb) < MAX_REPORT_BYTES
    assert send(server, data=bomb, headers=headers)[0] == 422


def test_beyond_the_kept_ones_a_connection_ends_with_its_answer():
    with progress_server(GENEROUS, bounds=Bounds(kept=0)) as server:
        status, _, headers = post(server)
        assert (status, headers["Connection"]) == (204, "close")
    with progress_server(GENEROUS, bounds=Bounds(kept=1)) as server:
        assert "Connection" not in post(server)[2]


def test_every_answer_is_counted_by_its_code():
    with progress_server(GENEROUS) as server:
        post(server)
        send(server, data=b"{}", headers={})
        send(server, data=b"", headers={"Authorization": f"Bearer {server.issuer.token(POD)}"})
        assert server.answered == [204, 401, 422]


@pytest.mark.hostile
def test_more_headers_than_anybody_needs_are_refused(server):
    with (
        socket.create_connection(("127.0.0.1", server.port), 30) as plain,
        trusting(server.ca).wrap_socket(plain, server_hostname="127.0.0.1") as line,
    ):
        line.sendall(b"POST / HTTP/1.1\r\n" + b"X-A: b\r\n" * 40 + b"\r\n")
        assert line.recv(12).split()[1] == b"400"
