"""A fake S3 server over memory that is wrong on purpose about conditional writes.

It speaks just enough S3 for the probe: put, get, list and delete, unsigned. `checks_first` looks
for the key, thinks for a while, and then writes: two creates can win. `ignores` never looks.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Literal
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from support.storage.s3_server import Server

Fault = Literal["checks_first", "ignores", "none"]
_THINKING_SECONDS = 0.02


@contextlib.contextmanager
def racy_server(fault: Fault) -> Iterator[Server]:
    """Listen on a free loopback port."""

    class Handler(_Handler):
        objects: ClassVar[dict[str, bytes]] = {}
        lock = threading.Lock()
        kind = fault

    class Httpd(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Httpd(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    lock: threading.Lock
    kind: Fault

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key, conditional = self._key(), self.headers.get("If-None-Match") == "*"
        if conditional and self.kind == "none":
            with self.lock:
                won = self.objects.setdefault(key, body) is body
            return self._answer(200 if won else 412, b"" if won else _error("PreconditionFailed"))
        if conditional and self.kind == "checks_first":
            if key in self.objects:
                return self._answer(412, _error("PreconditionFailed"))
            time.sleep(_THINKING_SECONDS)
        self.objects[key] = body
        return self._answer(200, b"")

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            return self._answer(200, self._listing(query.get("prefix", [""])[0]))
        body = self.objects.get(self._key())
        return self._answer(404, _error("NoSuchKey")) if body is None else self._answer(200, body)

    def do_DELETE(self) -> None:
        self.objects.pop(self._key(), None)
        self._answer(204, b"")

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    def _listing(self, prefix: str) -> bytes:
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key])}</Size></Contents>"
            for key in keys
        )
        return (
            f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()
        )

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
