"""HTTP within bounds: requests are read so far and no further, and answered in one sentence.

Built on aiohttp's bare server: routes, middlewares and Expect headers would only be more to break.
"""

import asyncio
import logging
from functools import partial

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from batchprocess.protocol.progress import MAX_REPORT_BYTES
from batchprocess_operator.endpoint.connections.table import Connections
from batchprocess_operator.endpoint.handler import ReportHandler, Request
from batchprocess_operator.endpoint.refusal import Refusal
from batchprocess_operator.endpoint.report_store import PodFacts

_REQUEST_SECONDS = 10.0
_IDLE_SECONDS = 20.0
_LINGER_SECONDS = 2.0
_MAX_HEADERS = 32


def http_server(handler: ReportHandler, connections: Connections) -> web.Server:
    """Makes a protocol for each connection; must be made where a loop runs.

    `connections` are told how each request ended, and say which of them are kept.
    """
    return web.Server(
        partial(_answer, handler, connections),
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=_IDLE_SECONDS,
        lingering_time=_LINGER_SECONDS,
        logger=_logger(),
        max_headers=_MAX_HEADERS,
    )


def _logger() -> logging.Logger:
    """aiohttp logs the very bytes that it could not parse, which may be a token; we don't."""
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_not_about_bad_bytes)
    return logger


def _is_not_about_bad_bytes(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


async def _answer(
    handler: ReportHandler, connections: Connections, request: web.BaseRequest
) -> web.Response:
    """204, or every refusal as {"error": sentence}; nothing else about us ever leaves."""
    try:
        pod = await _handled(handler, request)
        response, kept = web.Response(status=204), connections.taken(request.protocol, pod)
    except Refusal as refusal:
        kept = connections.refused(request.protocol, blameless=refusal.blameless)
        response = _refuse(refusal)
    handler.answered(response.status)
    if not kept:
        response.force_close()
    return response


async def _handled(handler: ReportHandler, request: web.BaseRequest) -> PodFacts:
    """Whose report was taken, or a Refusal."""
    authorization = request.headers.get(hdrs.AUTHORIZATION)
    asked = Request(request.method, request.path, authorization, partial(_read_body, request))
    try:
        async with asyncio.timeout(_REQUEST_SECONDS):
            return await handler.handle(asked)
    except TimeoutError as error:
        raise Refusal(408, "the request came too slowly") from error
    except (ConnectionError, web.RequestPayloadError) as error:
        # The sender has gone in the middle of its request, or sends no HTTP any more.
        raise Refusal(400, "the request's body cannot be read") from error


def _refuse(refusal: Refusal) -> web.Response:
    response = web.json_response({"error": refusal.sentence}, status=refusal.status)
    if refusal.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(refusal.retry_after)
    if refusal.status == 405:
        response.headers[hdrs.ALLOW] = hdrs.METH_POST
    return response


async def _read_body(request: web.BaseRequest) -> bytes:
    """All of it, if it is not too much; whatever the sender has announced."""
    body = b""
    while len(body) <= MAX_REPORT_BYTES:
        chunk = await request.content.readany()
        if not chunk:
            return body
        body += chunk
    raise Refusal(413, f"a report has at most {MAX_REPORT_BYTES} bytes")
