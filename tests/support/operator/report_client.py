"""A client of the endpoint that sends one request and says what it was answered."""

import asyncio
import json
import ssl

import aiohttp

from batchprocess.protocol.progress import REPORTS_PATH
from support.operator.fake_pods import POD, report
from support.operator.progress_server import ProgressServer


def trusting(ca: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca)
    return context


def send(server: ProgressServer, **options):
    """One request: status, JSON body or None, headers."""

    async def go():
        connector = aiohttp.TCPConnector(ssl=trusting(server.ca))
        async with aiohttp.ClientSession(connector=connector) as session:
            method = options.pop("method", "POST")
            url = server.url + options.pop("path", REPORTS_PATH)
            async with session.request(method, url, **options) as answer:
                body = await answer.read()
        if answer.headers.get("Connection") == "close":
            # Closing a session waits for the connections that it holds only, and this one it has
            # given up: its TLS says goodbye in its own time, and needs the loop for that.
            await asyncio.sleep(0.25)
        return answer.status, json.loads(body) if body else None, dict(answer.headers)

    return asyncio.run(go())


def post(server: ProgressServer, body: bytes | None = None, token: str | None = None):
    """A report, good unless told otherwise."""
    if body is None:
        body = report(3, 4).model_dump_json().encode()
    token = server.issuer.token(POD) if token is None else token
    return send(server, data=body, headers={"Authorization": f"Bearer {token}"})
