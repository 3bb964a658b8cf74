"""A receiver of messages on loopback, that answers what it is told to."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """`after`: seconds of silence before it; `body` is sent again and again with `endless`."""

    code: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    after: float = 0.0
    reset: bool = False
    endless: bool = False


@dataclass
class Receiver:
    """`reply` is asked for each request; `seen` are all in order of arrival."""

    url: str
    reply: Callable[[Received], Reply]
    seen: list[Received] = field(default_factory=list)

    def ids(self) -> list[str]:
        return [one.id for one in self.seen]


@contextlib.contextmanager
def receiver(
    reply: Callable[[Received], Reply] | Reply | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """One that takes everything, unless it is told otherwise."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    answer = reply if callable(reply) else lambda _: reply or Reply()
    scheme = "http" if tls is None else "https"
    made = Receiver(f"{scheme}://127.0.0.1:{server.server_port}/hook", answer)
    server.made, server.over = made, threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.over.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        made: Receiver = self.server.made
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {key.lower(): value for key, value in self.headers.items()}
        received = Received(self.path, headers, body)
        made.seen.append(received)
        self._answer(made.reply(received))

    do_GET = do_POST

    def _answer(self, reply: Reply) -> None:
        if reply.after:
            self.server.over.wait(reply.after)
        if reply.reset:
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return
        self.send_response(reply.code)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if not reply.endless:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        with contextlib.suppress(OSError):
            while reply.endless and not self.server.over.is_set():
                self.wfile.write(reply.body)
                time.sleep(0)

    def log_message(self, *_: Any) -> None:
        """Silent."""
