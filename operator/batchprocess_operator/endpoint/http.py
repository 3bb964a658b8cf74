"""HTTP within bounds: requests are read so far and no further, and answered in one sentence.

Built on aiohttp's bare server: routes, middlewares and Expect headers would only be more to break.
"""

import asyncio
import logging
from functools import partial

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from batchprocess.protocol.progress import MAX_REPORT_BYTES
from batchprocess_operator.endpoint.handler import ReportHandler, Request
from batchprocess_operator.endpoint.refusal import Refusal

_REQUEST_SECONDS = 10.0
_IDLE_SECONDS = 20.0
_LINGER_SECONDS = 2.0


def http_server(handler: ReportHandler, kept: int) -> web.Server:
    """Makes a protocol for each connection; must be made where a loop runs.

    With more than `kept` connections at a time, those beyond end with their answers.
    """

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = await _answer(handler, request)
        if len(server.connections) > kept:
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


def _logger() -> logging.Logger:
    """aiohttp logs the very bytes that it could not parse, which may be a token; we don't."""
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_not_about_bad_bytes)
    return logger


def _is_not_about_bad_bytes(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


async def _answer(handler: ReportHandler, request: web.BaseRequest) -> web.Response:
    """204, or every refusal as {"error": sentence}; nothing else about us ever leaves."""
    authorization = request.headers.get(hdrs.AUTHORIZATION)
    asked = Request(request.method, request.path, authorization, partial(_read_body, request))
    try:
        async with asyncio.timeout(_REQUEST_SECONDS):
            await handler.handle(asked)
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


async def _read_body(request: web.BaseRequest) -> bytes:
    """All of it, if it is not too much; whatever the sender has announced."""
    body = b""
    while len(body) <= MAX_REPORT_BYTES:
        chunk = await request.content.readany()
        if not chunk:
            return body
        body += chunk
    raise Refusal(413, f"a report has at most {MAX_REPORT_BYTES} bytes")
