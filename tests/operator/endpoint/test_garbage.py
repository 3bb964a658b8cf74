"""Ten thousand requests between right and nonsense: each gets a plain answer or none."""

import asyncio
import logging
import random
import time
from collections import Counter
from typing import Any

import pytest

from batchprocess.protocol.progress import REPORTS_PATH
from batchprocess_operator.endpoint.connections.bounds import Bounds
from batchprocess_operator.endpoint.connections.table import Connections
from batchprocess_operator.endpoint.handler import ReportHandler
from batchprocess_operator.endpoint.http import http_server
from batchprocess_operator.endpoint.keys import Keyring
from batchprocess_operator.endpoint.tokens import Verifier
from support.operator.fake_issuer import FakeIssuer, utc_now
from support.operator.fake_pods import POD, FakePods, report
from support.operator.progress_server import GENEROUS, Arrivals

REQUESTS = 10_000


def garbage(draw: random.Random, token: str) -> bytes:
    """A request that is somewhere between right and nonsense."""
    header, content, signature = token.split(".")
    body = report(3, 4, seq=draw.randrange(5)).model_dump_json().encode()
    tokens = [
        token,
        token[: draw.randrange(len(token))],
        f"{content}.{header}.{signature}",
        f"{header}.{content}.",
        draw.randbytes(draw.randrange(60)).decode(errors="surrogateescape"),
        "".join(draw.choices("abc.=-_ ", k=draw.randrange(60))),
    ]
    bodies = [body, b"", draw.randbytes(draw.randrange(200)), mutated(draw, body), body * 40]
    sent = draw.choice(bodies)
    path = draw.choice([REPORTS_PATH, REPORTS_PATH, "/", "*", "//x", "/%00?a=b#c"])
    lines = [
        f"{draw.choice(['POST', 'POST', 'POST', 'GET', 'HEAD', 'BREW', 'OPTIONS'])} "
        f"{path} HTTP/1.1",
        "Host: x",
        f"{draw.choice(['Authorization', 'authorization', 'X-Other'])}: "
        f"{draw.choice(['Bearer', 'bearer', 'Basic', ''])} {draw.choice(tokens)}",
        draw.choice(
            [f"Content-Length: {len(sent)}"] * 6
            + ["Content-Length: -1", "Content-Length: 99999999999", "Transfer-Encoding: chunked"]
        ),
        draw.choice(["X-A: b", "Expect: 100-continue", "Content-Encoding: gzip", "Upgrade: h2c"]),
    ]
    raw = "\r\n".join(lines).encode(errors="surrogateescape") + b"\r\n\r\n" + sent
    return mutated(draw, raw) if draw.random() < 0.3 else raw


def mutated(draw: random.Random, raw: bytes) -> bytes:
    changed = bytearray(raw)
    for _ in range(draw.randrange(1, 4)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


class FakeTransport(asyncio.Transport):
    """A connection in memory; keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.closed = b"", False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """Nothing more will come anyway."""

    def resume_reading(self) -> None:
        """Nothing more will come anyway."""


async def answer(server: Any, raw: bytes) -> bytes:
    """What a sender gets who sends `raw` and leaves."""
    transport, connection = FakeTransport(), server()
    connection.connection_made(transport)
    await asyncio.sleep(0)
    connection.data_received(raw)
    for _ in range(12):
        await asyncio.sleep(0)
    connection.connection_lost(None)
    for _ in range(3):
        await asyncio.sleep(0)
    return transport.written


@pytest.mark.slow
@pytest.mark.hostile
def test_ten_thousand_random_requests_never_give_500_nor_a_token_in_the_log(caplog):
    draw, issuer, arrivals = random.Random(20_260_101), FakeIssuer(), Arrivals()
    token, statuses = issuer.token(POD), Counter()

    async def all_of_them() -> None:
        verifier = Verifier(Keyring(issuer.fetch, time.monotonic), FakePods(), utc_now)
        handler = ReportHandler(verifier, arrivals, time.monotonic, GENEROUS)
        server = http_server(handler, Connections(Bounds(), time.monotonic))
        for _ in range(REQUESTS):
            written = await answer(server, garbage(draw, token))
            statuses[written[9:12].decode() or "none"] += 1
            assert b"Traceback" not in written
        await server.shutdown(1)

    with caplog.at_level(logging.DEBUG):
        asyncio.run(all_of_them())
    assert statuses.total() == REQUESTS
    assert not [status for status in statuses if status.startswith("5")], statuses
    assert {"204", "400", "401", "404", "405", "413", "422"} <= set(statuses), statuses
    assert statuses["204"] == len(arrivals.taken)
    assert [part for part in token.split(".") if part in caplog.text] == []
    assert "Traceback" not in caplog.text
