"""Sending one request to a destination: bounded in time and size, and never redirected."""

import functools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp

from batchprocess_operator.notify.outcome import Outcome, answered
from batchprocess_operator.notify.request import Request
from batchprocess_operator.notify.resolver import OwnThreads

SECONDS = 10.0
"""For one try: the name, the connection, the request, and the first lines of the answer."""
_MAX_LINE = 8_190


class Transport:
    """POSTs requests. Each on a connection of its own: messages are few."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(self, request: Request) -> Outcome:
        """One try. Its words have neither the address nor anything that was sent."""
        try:
            trust = _trust(request.ca)
        except (ssl.SSLError, ValueError):
            return Outcome("the CA bundle in its Secret cannot be used")
        try:
            async with self._session.post(
                request.url,
                data=request.body,
                headers=request.headers,
                allow_redirects=False,
                proxy=request.proxy,
                ssl=trust,
            ) as answer:
                # The body is left where it is: the connection ends with the block.
                answer.close()
                return answered(answer.status, answer.headers, datetime.now(UTC))
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(_why(error))


@asynccontextmanager
async def transport() -> AsyncIterator[Transport]:
    """One for all destinations; without cookies, and without proxies of the environment."""
    resolver = OwnThreads()
    connector = aiohttp.TCPConnector(resolver=resolver, force_close=True, limit=0)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=SECONDS),
        trust_env=False,
        auto_decompress=False,
        max_line_size=_MAX_LINE,
        max_field_size=_MAX_LINE,
    ) as session:
        try:
            yield Transport(session)
        finally:
            # One that was given is not closed by the connector.
            await resolver.close()


@functools.lru_cache(maxsize=64)
def _trust(ca: str) -> ssl.SSLContext:
    """Who is believed. Made once for each bundle: it takes milliseconds."""
    return ssl.create_default_context(cadata=ca or None)


def _why(error: Exception) -> str:
    """Words of ours: those of the error name hosts and addresses."""
    match error:
        case TimeoutError():
            return f"no answer in {SECONDS:.0f} s"
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return "its proxy does not connect to it"
        case aiohttp.ClientConnectorDNSError():
            return "its name cannot be looked up"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientSSLError():
            return "it speaks no TLS that we trust"
        case aiohttp.ClientConnectorError():
            return "it cannot be reached"
        case aiohttp.InvalidURL():
            return "its URL is none"
        case aiohttp.ClientResponseError():
            return "its answer is not HTTP"
    return "the connection broke"
