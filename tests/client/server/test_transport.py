"""Answers of a real HTTP server are read up to a bound, and its silence has one too."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from batchprocess.client.errors import NotFound, Unavailable
from batchprocess.client.server.transport import AnswerTooLong, Transport, decoded
from batchprocess.kube.requests import get


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/object")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(404 if path == "/missing" else 200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in {"/long": [b"x" * 70_000] * 3, "/silent": [b"one\n"]}.get(path, [b'{"a": 1}']):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        if path == "/silent":
            self.wfile.flush()
            self.server.released.wait(30)  # type: ignore[attr-defined]
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def transport() -> Iterator[Transport]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.released = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host = f"http://127.0.0.1:{server.server_port}"
        yield Transport(ApiClient(Configuration(host=host, retries=False)))
        server.released.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


def test_an_answer_is_read_up_to_a_bound(transport: Transport) -> None:
    assert decoded(transport.text(get("/object"))) == {"a": 1}
    assert len(transport.text(get("/long"), 210_000)) == 210_000
    with pytest.raises(AnswerTooLong, match="GET /long answered more than 209999 bytes"):
        transport.text(get("/long"), 209_999)


def test_a_refusal_is_an_error_and_a_redirect_is_not_followed(transport: Transport) -> None:
    with pytest.raises(NotFound):
        transport.text(get("/missing"))
    with pytest.raises(Unavailable, match="answered 302"):
        transport.text(get("/moved"))


def test_a_stream_that_falls_silent_is_given_up(transport: Transport) -> None:
    seen = []
    with (
        pytest.raises(Unavailable, match="cannot be reached"),
        transport.stream(get("/silent"), 0.2) as stream,
    ):
        seen += list(stream)
    assert seen == []


def test_a_stream_is_ended_by_another_thread(transport: Transport) -> None:
    with transport.stream(get("/silent"), 30) as stream:
        parts = iter(stream)
        assert next(parts) == b"one\n"
        threading.Timer(0.1, stream.close).start()
        with pytest.raises(Unavailable):
            list(parts)


def test_a_server_that_is_not_there_is_told_in_a_sentence() -> None:
    nowhere = Transport(ApiClient(Configuration(host="http://127.0.0.1:1", retries=False)))
    with pytest.raises(Unavailable, match="the API server cannot be reached: .*refused"):
        nowhere.text(get("/x"))
