"""The one place that leans on asyncio's private parts, and the versions in which they are so."""

import asyncio
import contextlib
import gc
import inspect
import socket
import ssl
import sys
from asyncio.sslproto import SSLProtocol
from datetime import UTC, datetime

import pytest

from batchprocess_operator.endpoint.certificate_secret import own
from batchprocess_operator.endpoint.connections.small_tls import (
    TLS_BUFFER,
    SmallTlsProtocol,
    shake_hands,
)
from batchprocess_operator.endpoint.tls import LiveCertificate
from support.operator.fake_pods import FakeSecret
from support.operator.report_client import trusting

HOLDS_FOR = {(3, 11)}
"""Versions of Python whose asyncio was read and tried. For another one: read `sslproto.py` and
`BaseEventLoop._create_connection_transport`, run these tests, and only then name it here."""


def test_this_python_is_one_whose_private_parts_are_known():
    assert sys.version_info[:2] in HOLDS_FOR


def test_what_is_used_is_there():
    assert isinstance(vars(SSLProtocol)["max_size"], int)
    assert "self.max_size" in inspect.getsource(SSLProtocol.__init__)
    wanted = ["loop", "app_protocol", "sslcontext", "waiter", "server_side"]
    wanted += ["ssl_shutdown_timeout"]
    assert set(wanted) <= set(inspect.signature(SSLProtocol).parameters)


async def certificate() -> LiveCertificate:
    made = LiveCertificate(own(FakeSecret(), ["127.0.0.1"], lambda: datetime.now(UTC)))
    await made.refresh()
    return made


class FakeWatch:
    """Lets everything pass, and notes it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.octets, self.over = 0, False

    def begun(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def received(self, octets: int) -> bool:
        self.octets += octets
        return True

    def ended(self) -> None:
        self.over = True


def shaking(connection: socket.socket, live: LiveCertificate, watch: FakeWatch | None = None):
    return shake_hands(
        connection, asyncio.Protocol(), live.context, watch or FakeWatch(), shutdown_seconds=1
    )


def test_each_connection_takes_16_kib_for_tls_and_others_of_the_process_what_they_did():
    """Whoever serves thousands of workers pays this for each; see docs/adr/0006."""

    async def buffers() -> dict[type, int]:
        live, (ours, theirs) = await certificate(), socket.socketpair()
        (_, writer), _ = await asyncio.gather(
            asyncio.open_connection(
                sock=theirs, ssl=trusting(live.ca), server_hostname="127.0.0.1"
            ),
            shaking(ours, live),
        )
        # By its type: isinstance asks an object for its class, of which some of torch's warn.
        found = [one for one in gc.get_objects() if issubclass(type(one), SSLProtocol)]
        sizes = {type(one): len(one.get_buffer(-1)) for one in found}
        writer.transport.abort()
        await asyncio.sleep(0.1)
        return sizes

    assert TLS_BUFFER == 16 * 1024
    assert asyncio.run(buffers()) == {SmallTlsProtocol: 16 * 1024, SSLProtocol: 256 * 1024}


def test_whoever_does_not_speak_tls_is_told_so_and_let_go():
    async def go() -> bytes:
        live, (ours, theirs) = await certificate(), socket.socketpair()
        theirs.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ssl.SSLError):
            await shaking(ours, live)
        await asyncio.sleep(0.1)
        theirs.settimeout(5)
        with theirs:
            return theirs.recv(100) and theirs.recv(100)

    assert asyncio.run(go()) == b""


@pytest.mark.parametrize("end", ["aborted", "cancelled"])
def test_a_handshake_that_does_not_come_leaves_no_connection(end):
    async def go() -> bytes:
        live, (ours, theirs), watch = await certificate(), socket.socketpair(), FakeWatch()
        task = asyncio.create_task(shaking(ours, live, watch))
        await asyncio.sleep(0.1)
        if end == "cancelled":
            task.cancel()
        else:
            assert watch.transport is not None
            watch.transport.abort()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await task
        await asyncio.sleep(0.1)
        assert watch.over
        theirs.settimeout(5)
        with theirs:
            return theirs.recv(1)

    assert asyncio.run(go()) == b""


def test_all_that_comes_is_told_from_the_first_byte_on():
    async def go() -> int:
        live, (ours, theirs), watch = await certificate(), socket.socketpair(), FakeWatch()
        (_, writer), _ = await asyncio.gather(
            asyncio.open_connection(
                sock=theirs, ssl=trusting(live.ca), server_hostname="127.0.0.1"
            ),
            shaking(ours, live, watch),
        )
        shaken = watch.octets
        writer.write(b"x" * 1_000)
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()
        await asyncio.sleep(0.1)
        assert watch.over
        assert shaken > 500
        return watch.octets - shaken

    assert 1_000 < asyncio.run(go()) < 1_100
