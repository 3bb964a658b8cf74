"""From bytes to questions, and from answers to bytes: aiohttp's bare server, as our endpoint's."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from batchprocess_operator.page.http.answers import Answer
from batchprocess_operator.page.http.connections import serve_visitors
from batchprocess_operator.page.http.questions import Question, query_of

_LOG = logging.getLogger(__name__)
ANSWER_SECONDS = 15.0
MAX_HEADERS = 64
MAX_LINE = 2_048
MAX_FIELD = 16 * 1024
"""A browser sends all cookies of a host together, also those of other programs on localhost."""
MAX_BODY = 8_192
Answering = Callable[[Question], Awaitable[Answer]]
_TOO_SLOW = Answer(503, b"This was not ready in time, which the API server may be; try again.")
_TOO_LONG = Answer(413, b"That is more than any form of this page has.")
_FAULT = Answer(500, b"This page has a fault; the operator's log says more.")


@asynccontextmanager
async def serve_page(answering: Answering, host: str, port: int) -> AsyncIterator[int]:
    """Answer while the block runs; yields the port."""
    server = web.Server(
        partial(_answer, answering),
        access_log=None,
        auto_decompress=False,
        lingering_time=0,
        logger=_logger(),
        max_headers=MAX_HEADERS,
        max_line_size=MAX_LINE,
        max_field_size=MAX_FIELD,
    )
    async with serve_visitors(server, host, port) as actual:
        yield actual
    await server.shutdown(1)


def _logger() -> logging.Logger:
    """aiohttp logs the very bytes that it could not parse, which may be a token; we don't."""
    logger = logging.getLogger(f"{__name__}.http")
    logger.addFilter(_is_not_about_bad_bytes)
    return logger


def _is_not_about_bad_bytes(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


async def _answer(answering: Answering, request: web.BaseRequest) -> web.Response:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await _answered(answering, request)
    except TimeoutError:
        answer = _TOO_SLOW
    except (ConnectionError, web.RequestPayloadError):
        # The sender has gone in the middle of its request, or sends no HTTP any more.
        answer = Answer(400)
    except Exception as error:  # noqa: BLE001
        _LOG.error("a page could not be made: this is a bug of the operator", exc_info=error)
        answer = _FAULT
    response = web.Response(status=answer.status, body=answer.body)
    for name, value in answer.all_headers:
        if name == "Content-Type":
            response.headers[name] = value
        else:
            response.headers.add(name, value)
    response.force_close()
    return response


async def _answered(answering: Answering, request: web.BaseRequest) -> Answer:
    body = await _body(request)
    if body is None:
        return _TOO_LONG
    headers = {name.lower(): value for name, value in request.headers.items()}
    path, _, query = request.path_qs.partition("?")
    question = Question(request.method, path, query_of(query), headers, request.remote or "", body)
    return await answering(question)


async def _body(request: web.BaseRequest) -> bytes | None:
    """All of it, if it is not too much; whatever the sender has announced."""
    body = b""
    while len(body) <= MAX_BODY:
        chunk = await request.content.readany()
        if not chunk:
            return body
        body += chunk
    return None
