"""An endpoint that begins as soon as it can, and that nothing waits for."""

import asyncio
import socket
import time
from datetime import UTC, datetime
from types import SimpleNamespace

from batchprocess_operator.endpoint.certificate_secret import (
    CertificateUnavailable,
    Data,
    own,
)
from batchprocess_operator.endpoint.progress_endpoint import ProgressEndpoint
from batchprocess_operator.endpoint.tls import LiveCertificate
from support.operator.fake_pods import FakeSecret


class Secret:
    """One that is not there until it is made; `slept` notes how long was waited for it."""

    def __init__(self, *, there: bool) -> None:
        self.there, self.slept = there, list[float]()
        self._source = own(FakeSecret(), ("a.svc",), lambda: datetime.now(UTC))

    async def read(self) -> Data:
        if not self.there:
            raise CertificateUnavailable("Secret system/progress: 404 Not Found")
        return await self._source()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > 2:
            self.there = True
        await asyncio.sleep(0.001 if seconds < 100 else 3_600)


def endpoint(secret: Secret, port: int) -> ProgressEndpoint:
    live = LiveCertificate(secret.read)
    handler = SimpleNamespace(clock=time.monotonic)  # nobody asks
    return ProgressEndpoint(live, handler, "https://a.svc", "127.0.0.1", port, secret.sleep)  # type: ignore[arg-type]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def test_the_first_worker_is_told_where_to_report() -> None:
    async def begin() -> None:
        port = free_port()
        one = endpoint(Secret(there=True), port)
        async with one.running():
            address = one.address()
            assert address is not None
            assert (address.url, "BEGIN CERTIFICATE" in address.ca) == ("https://a.svc", True)
            while not await accepts(port):
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(begin(), 30))


def test_without_a_certificate_all_else_goes_on_until_there_is_one(caplog) -> None:
    async def begin() -> None:
        secret, port = Secret(there=False), free_port()
        one = endpoint(secret, port)
        async with one.running():
            assert one.address() is None
            assert not await accepts(port)
            while not await accepts(port):
                await asyncio.sleep(0.01)
            assert one.address() is not None
        assert secret.slept[:3] == [60, 60, 60]

    asyncio.run(asyncio.wait_for(begin(), 30))
    assert (
        "no progress endpoint until there is a certificate: Secret system/progress" in caplog.text
    )
