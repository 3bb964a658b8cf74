"""The endpoint's HTTP side: POST /v1/reports over TLS, bounded in every direction.

Built on aiohttp's bare server: routes, middlewares and Expect headers would only be more to break.
"""

import asyncio
import logging
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import ValidationError

from batchprocess.protocol.progress import MAX_REPORT_BYTES, REPORTS_PATH, ProgressReport
from batchprocess_operator.endpoint.limits import Limits, Meters, Rate
from batchprocess_operator.endpoint.refusal import Refusal
from batchprocess_operator.endpoint.report_store import Reports
from batchprocess_operator.endpoint.tokens import Verifier

_LOG = logging.getLogger(__name__)
_REQUEST_SECONDS = 10.0
_IDLE_SECONDS = 20.0
_LINGER_SECONDS = 2.0
_HANDSHAKE_SECONDS = 5.0
_HELLO_SECONDS = 1.0
_STOP_SECONDS = 2.0
_ACCEPT_AGAIN_SECONDS = 0.5
_BACKLOG = 1_024
_TLS_BUFFER = 16 * 1024


@dataclass(frozen=True)
class Bounds:
    """Connections that are kept, connections at all, and how fast they may be made.

    `silent`: connections that have not shaken hands. Each has its buffers from the first moment on.
    """

    kept: int = 2_500
    most: int = 5_000
    silent: int = 500
    handshakes: Rate = field(default_factory=lambda: Rate(1 / 250, burst=500))


@dataclass(frozen=True)
class Endpoint:
    """What a report passes on its way in. `clock` in seconds, never going back."""

    verifier: Verifier
    reports: Reports
    clock: Callable[[], float]
    limits: Limits = field(default_factory=Limits)
    bounds: Bounds = field(default_factory=Bounds)

    async def take(self, request: web.BaseRequest) -> None:
        """Nothing, or a Refusal: the sender first, then how often it may, then what it says."""
        if request.path != REPORTS_PATH:
            raise Refusal(404, f"there is nothing but {REPORTS_PATH}")
        if request.method != hdrs.METH_POST:
            raise Refusal(405, "reports are sent with POST")
        body = await _body(request)
        pod = await self.verifier.sender(request.headers.get(hdrs.AUTHORIZATION))
        wait = self.limits.admit(pod.uid, pod.namespace, self.clock())
        if wait is not None:
            raise Refusal(429, "reports come too often", wait)
        report = _parse(body)
        told = {one.shard for one in report.shards}
        if len(told) < len(report.shards):
            raise Refusal(422, "shards: one of them is told twice")
        if told - pod.shards:
            raise Refusal(403, f"shard {min(told - pod.shards)} is not one of this pod's")
        self.reports.take(pod, report, self.clock())


@asynccontextmanager
async def serve(
    endpoint: Endpoint, host: str, port: int, context: ssl.SSLContext
) -> AsyncIterator[int]:
    """Listen while the block runs; yields the port, which is the system's choice if `port` is 0."""
    # Python reads TLS into 256 KiB of its own for each connection, ten times what all the rest of
    # a connection takes: thousands of idle workers would cost a gigabyte (docs/adr/0006).
    SSLProtocol.max_size = _TLS_BUFFER
    server = http_server(endpoint)
    _bound_handshakes(context, endpoint, lambda: len(server.connections))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    door = _Door(server, context, endpoint.bounds.silent)
    try:
        # In a group: should it ever end by itself, so does the endpoint, and nobody is let wait.
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(door.keep(listener))
            try:
                yield listener.getsockname()[1]
            finally:
                keeper.cancel()
    finally:
        listener.close()
        transports = [one.transport for one in server.connections if one.transport is not None]
        server.pre_shutdown()
        await server.shutdown(_STOP_SECONDS)
        # A polite end of TLS needs the other side's answer, for which nobody waits any more.
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)


@dataclass
class _Door:
    """Lets in whoever comes; of too many that say nothing, the one that came first has to go.

    Asyncio's own servers wait for any number of handshakes at a time.
    """

    server: web.Server
    context: ssl.SSLContext
    most: int
    waiting: dict[asyncio.Task[None], float] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self, listener: socket.socket) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._make_room()
                try:
                    connection, _ = await loop.sock_accept(listener)
                except OSError as error:
                    _LOG.warning("no connection can be accepted: %s", error)
                    await asyncio.sleep(_ACCEPT_AGAIN_SECONDS)
                    continue
                task = asyncio.create_task(_shake_hands(connection, self.server, self.context))
                self.waiting[task] = loop.time()
                task.add_done_callback(self._end)
                # It has to have begun before it may be cancelled, and others want their turn.
                await asyncio.sleep(0)
        finally:
            shaking = list(self.waiting)
            for task in shaking:
                task.cancel()
            await asyncio.gather(*shaking, return_exceptions=True)

    async def _make_room(self) -> None:
        """Also in a rush everybody has a moment to shake hands; who comes later waits outside."""
        while len(self.waiting) >= self.most:
            oldest, since = next(iter(self.waiting.items()))
            left = since + _HELLO_SECONDS - asyncio.get_running_loop().time()
            if left <= 0:
                del self.waiting[oldest]
                oldest.cancel()
                return
            self.ended.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended.wait(), left)

    def _end(self, task: asyncio.Task[None]) -> None:
        self.waiting.pop(task, None)
        self.ended.set()


async def _shake_hands(
    connection: socket.socket, server: web.Server, context: ssl.SSLContext
) -> None:
    # Whoever fails has gone, or speaks another language: nothing that we could mend.
    with suppress(OSError):
        await asyncio.get_running_loop().connect_accepted_socket(
            server,
            connection,
            ssl=context,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=_STOP_SECONDS,
        )


def http_server(endpoint: Endpoint) -> web.Server:
    """Makes a protocol for each connection; must be made where a loop runs."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = await _answer(endpoint, request)
        if len(server.connections) > endpoint.bounds.kept:
            response.force_close()
        return response

    server = web.Server(
        answer,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=_IDLE_SECONDS,
        lingering_time=_LINGER_SECONDS,
        logger=_logger(),
    )
    return server


def _bound_handshakes(
    context: ssl.SSLContext, endpoint: Endpoint, connections: Callable[[], int]
) -> None:
    """Refuse what would be too much before any cryptography is done for it."""
    handshakes = Meters(endpoint.bounds.handshakes)

    def refuse_if_too_many(
        _connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext
    ) -> int | None:
        now = endpoint.clock()
        if connections() >= endpoint.bounds.most or handshakes.wait("", now) > 0:
            return ssl.ALERT_DESCRIPTION_USER_CANCELLED
        handshakes.count("", now)
        return None

    # Despite its name this is called for every ClientHello, also one without a server name.
    context.sni_callback = refuse_if_too_many


def _logger() -> logging.Logger:
    """aiohttp logs the very bytes that it could not parse, which may be a token; we don't."""
    logger = logging.getLogger(f"{__name__}.http")
    logger.addFilter(_is_not_about_bad_bytes)
    return logger


def _is_not_about_bad_bytes(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


async def _answer(endpoint: Endpoint, request: web.BaseRequest) -> web.Response:
    """204, or every refusal as {"error": sentence}; nothing else about us ever leaves."""
    try:
        async with asyncio.timeout(_REQUEST_SECONDS):
            await endpoint.take(request)
        return web.Response(status=204)
    except Refusal as refusal:
        return _refuse(refusal)
    except TimeoutError:
        response = _refuse(Refusal(408, "the request came too slowly"))
    except (ConnectionError, web.RequestPayloadError):
        # The sender has gone in the middle of its request, or sends no HTTP any more.
        response = _refuse(Refusal(400, "the request's body cannot be read"))
    response.force_close()
    return response


def _refuse(refusal: Refusal) -> web.Response:
    response = web.json_response({"error": refusal.sentence}, status=refusal.status)
    if refusal.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(refusal.retry_after)
    if refusal.status == 405:
        response.headers[hdrs.ALLOW] = hdrs.METH_POST
    return response


async def _body(request: web.BaseRequest) -> bytes:
    """All of it, if it is not too much; whatever the sender has announced."""
    body = b""
    while len(body) <= MAX_REPORT_BYTES:
        chunk = await request.content.readany()
        if not chunk:
            return body
        body += chunk
    raise Refusal(413, f"a report has at most {MAX_REPORT_BYTES} bytes")


def _parse(body: bytes) -> ProgressReport:
    try:
        return ProgressReport.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the report"
        raise Refusal(422, f"{where}: {first['msg']}"[:300]) from error
