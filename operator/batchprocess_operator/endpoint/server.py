"""The endpoint's HTTP side: POST /v1/reports over TLS, bounded in every direction."""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import hdrs, web
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

    async def take(self, request: web.Request) -> web.Response:
        """204, or a Refusal: the sender first, then how often it may, then what it says."""
        body = await request.read()
        pod = await self.verifier.sender(request.headers.get(hdrs.AUTHORIZATION))
        wait = self.limits.admit(pod.uid, pod.namespace, self.clock())
        if wait is not None:
            raise Refusal(429, "reports come too often", wait)
        report = _parse(body)
        foreign = {one.shard for one in report.shards} - pod.shards
        if foreign:
            raise Refusal(403, f"shard {min(foreign)} is not one of this pod's")
        self.reports.take(pod, report, self.clock())
        return web.Response(status=204)


def application(endpoint: Endpoint) -> web.Application:
    """The endpoint as something that aiohttp can serve."""
    app = web.Application(client_max_size=MAX_REPORT_BYTES, middlewares=[_answer_plainly])
    app.router.add_post(REPORTS_PATH, endpoint.take)
    return app


@asynccontextmanager
async def serve(
    endpoint: Endpoint, host: str, port: int, context: ssl.SSLContext
) -> AsyncIterator[int]:
    """Listen while the block runs; yields the port, which is the system's choice if `port` is 0."""
    # Python reads TLS into 256 KiB of its own for each connection, ten times what all the rest of
    # a connection takes: thousands of idle workers would cost a gigabyte (docs/adr/0005).
    SSLProtocol.max_size = _TLS_BUFFER
    app = application(endpoint)
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=_IDLE_SECONDS,
        lingering_time=_LINGER_SECONDS,
        shutdown_timeout=_STOP_SECONDS,
    )
    _bound_connections(app, context, lambda: _open_connections(runner), endpoint.clock)
    await runner.setup()
    try:
        server = await _listen(runner, host, port, context)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def _listen(
    runner: web.AppRunner, host: str, port: int, context: ssl.SSLContext
) -> asyncio.Server:
    if runner.server is None:
        raise RuntimeError("the runner must be set up before it listens")
    return await asyncio.get_running_loop().create_server(
        runner.server,
        host,
        port,
        ssl=context,
        ssl_handshake_timeout=_HANDSHAKE_SECONDS,
        ssl_shutdown_timeout=_STOP_SECONDS,
        backlog=1_024,
    )


def _open_connections(runner: web.AppRunner) -> int:
    return 0 if runner.server is None else len(runner.server.connections)


def _bound_connections(
    app: web.Application,
    context: ssl.SSLContext,
    connections: Callable[[], int],
    clock: Callable[[], float],
) -> None:
    """Many connections are not kept, too many are refused before any cryptography is done."""
    handshakes = Meters(_HANDSHAKES)

    async def close_if_many(_request: web.Request, response: web.StreamResponse) -> None:
        if connections() > _KEPT_CONNECTIONS:
            response.force_close()

    def refuse_if_too_many(
        _connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext
    ) -> int | None:
        now = clock()
        if connections() >= _MOST_CONNECTIONS or handshakes.wait("", now) > 0:
            return ssl.ALERT_DESCRIPTION_USER_CANCELLED
        handshakes.count("", now)
        return None

    app.on_response_prepare.append(close_if_many)
    # Despite its name this is called for every ClientHello, also one without a server name.
    context.sni_callback = refuse_if_too_many


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _answer_plainly(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Every refusal as {"error": sentence}; nothing else about us ever leaves."""
    try:
        async with asyncio.timeout(_REQUEST_SECONDS):
            return await handler(request)
    except Refusal as refusal:
        response = web.json_response({"error": refusal.sentence}, status=refusal.status)
        if refusal.retry_after is not None:
            response.headers[hdrs.RETRY_AFTER] = str(refusal.retry_after)
        return response
    except TimeoutError:
        response = web.json_response({"error": "the request came too slowly"}, status=408)
        response.force_close()
        return response
    except web.HTTPException as error:
        return _plain(error)


def _plain(error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals: too large a body, another path or method."""
    sentence = error.reason
    if error.status == 413:
        sentence = f"a report has at most {MAX_REPORT_BYTES} bytes"
    response = web.json_response({"error": sentence}, status=error.status)
    if hdrs.ALLOW in error.headers:
        response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
    return response


def _parse(body: bytes) -> ProgressReport:
    try:
        return ProgressReport.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the report"
        raise Refusal(422, f"{where}: {first['msg']}"[:300]) from error
