"""The endpoint's HTTP side: POST /v1/reports over TLS, bounded in every direction.

Built on aiohttp's bare server: routes, middlewares and Expect headers would only be more to break.
"""

import asyncio
import logging
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import ValidationError

from batchprocess.protocol.progress import MAX_REPORT_BYTES, REPORTS_PATH, ProgressReport
from batchprocess_operator.endpoint.limits import Limits, Meters, Rate
from batchprocess_operator.endpoint.refusal import Refusal
from batchprocess_operator.endpoint.reports import Reports
from batchprocess_operator.endpoint.tokens import Verifier

_REQUEST_SECONDS = 10.0
_IDLE_SECONDS = 20.0
_LINGER_SECONDS = 2.0
_HANDSHAKE_SECONDS = 5.0
_STOP_SECONDS = 2.0
_TLS_BUFFER = 16 * 1024
_KEPT_CONNECTIONS = 2_500
_MOST_CONNECTIONS = 5_000
_HANDSHAKES = Rate(1 / 500, burst=1_000)


@dataclass(frozen=True)
class Endpoint:
    """What a report passes on its way in. `clock` in seconds, never going back."""

    verifier: Verifier
    reports: Reports
    clock: Callable[[], float]
    limits: Limits = field(default_factory=Limits)

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
        foreign = {one.shard for one in report.shards} - pod.shards
        if foreign:
            raise Refusal(403, f"shard {min(foreign)} is not one of this pod's")
        self.reports.take(pod, report, self.clock())


@asynccontextmanager
async def serve(
    endpoint: Endpoint, host: str, port: int, context: ssl.SSLContext
) -> AsyncIterator[int]:
    """Listen while the block runs; yields the port, which is the system's choice if `port` is 0."""
    # Python reads TLS into 256 KiB of its own for each connection, ten times what all the rest of
    # a connection takes: thousands of idle workers would cost a gigabyte (docs/adr/0005).
    SSLProtocol.max_size = _TLS_BUFFER
    server = http_server(endpoint)
    _bound_handshakes(context, lambda: len(server.connections), endpoint.clock)
    listener = await asyncio.get_running_loop().create_server(
        server,
        host,
        port,
        ssl=context,
        ssl_handshake_timeout=_HANDSHAKE_SECONDS,
        ssl_shutdown_timeout=_STOP_SECONDS,
        backlog=1_024,
    )
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        transports = [one.transport for one in server.connections if one.transport is not None]
        server.pre_shutdown()
        await server.shutdown(_STOP_SECONDS)
        # A polite end of TLS needs the other side's answer, for which nobody waits any more.
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)


def http_server(endpoint: Endpoint) -> web.Server:
    """Makes a protocol for each connection; must be made where a loop runs."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = await _answer(endpoint, request)
        if len(server.connections) > _KEPT_CONNECTIONS:
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
    context: ssl.SSLContext, connections: Callable[[], int], clock: Callable[[], float]
) -> None:
    """Refuse what would be too much before any cryptography is done for it."""
    handshakes = Meters(_HANDSHAKES)

    def refuse_if_too_many(
        _connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext
    ) -> int | None:
        now = clock()
        if connections() >= _MOST_CONNECTIONS or handshakes.wait("", now) > 0:
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
