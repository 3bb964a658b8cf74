"""A proxy in front of an S3 server that errs on purpose, by a seeded share of requests."""

import contextlib
import http.client
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP = {"connection", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Faults:
    """Shares from 0 to 1 of the requests that meet each fault."""

    error_500: float = 0.0
    slow_down: float = 0.0
    reset_in_body: float = 0.0
    lost_create: float = 0.0


@dataclass
class FaultProxy:
    """A running proxy: where it listens, what it did, and a switch for an outage."""

    endpoint: str
    faults: Faults
    rng: random.Random
    outage: threading.Event = field(default_factory=threading.Event)
    done: "Counter[str]" = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def choose(self, *, creates: bool) -> str:
        """The fault that this request meets, or `none`."""
        with self.lock:
            kind = "outage" if self.outage.is_set() else self._draw(creates)
            self.done[kind] += 1
        return kind

    def _draw(self, creates: bool) -> str:
        if creates and self.rng.random() < self.faults.lost_create:
            return "lost_create"
        for kind in ("error_500", "slow_down", "reset_in_body"):
            if self.rng.random() < getattr(self.faults, kind):
                return kind
        return "none"


@contextlib.contextmanager
def fault_proxy(upstream: str, faults: Faults, seed: int) -> Iterator[FaultProxy]:
    """Listen on a free loopback port and pass requests on to `upstream`."""
    target = urlsplit(upstream).netloc

    class Handler(_Handler):
        upstream = target

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = FaultProxy(f"http://127.0.0.1:{server.server_port}", faults, random.Random(seed))
    Handler.proxy = proxy
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: str
    proxy: FaultProxy

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        creates = self.command == "PUT" and "If-None-Match" in self.headers
        fault = self.proxy.choose(creates=creates)
        if fault == "outage":
            self._reset()
        elif fault == "error_500":
            self._refuse(500, "InternalError")
        elif fault == "slow_down":
            self._refuse(503, "SlowDown")
        else:
            self._forward(body, fault)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle

    def _ask(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self.upstream, timeout=30)
        with contextlib.closing(connection):
            # The Host header goes through as it is: the client has signed it.
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in _HOP and name.lower() != "expect":
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer, answer.read()

    def _forward(self, body: bytes, fault: str) -> None:
        answer, content = self._ask(body)
        if fault == "lost_create":
            self._reset()
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP and name.lower() != "content-length":
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if fault == "reset_in_body":
            self.wfile.write(content[: len(content) // 2])
            self._reset()
            return
        self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        content = f"<Error><Code>{code}</Code><Message>on purpose</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/xml")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _reset(self) -> None:
        """Close with RST, as a dying machine or a firewall does."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def finish(self) -> None:
        """A connection that was reset cannot be flushed."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def handle(self) -> None:
        """Clients are killed in these tests; their half requests are of no interest."""
        with contextlib.suppress(OSError, ValueError):
            super().handle()
