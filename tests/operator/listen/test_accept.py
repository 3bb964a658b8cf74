"""Taking connections in."""

import asyncio
import contextlib
import errno
import socket

import pytest

from batchprocess_operator.listen import accept
from batchprocess_operator.listen.accept import accept_forever, listening_socket
from batchprocess_operator.listen.meters import Rate


def accepting(count: int, admit, listening: socket.socket) -> list[str]:
    """Connect from `count` addresses; which of them were taken."""
    taken: list[str] = []

    def take(connection: socket.socket, address: str) -> None:
        taken.append(address)
        connection.close()

    async def go() -> None:
        task = asyncio.create_task(accept_forever(listening, admit, take))
        for n in range(count):
            address = listening.getsockname()[:2]
            reader, writer = await asyncio.open_connection(
                *address, local_addr=(f"127.0.0.{n + 1}", 0)
            )
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.transport.abort()
        task.cancel()

    with listening:
        asyncio.run(asyncio.wait_for(go(), 30))
    return taken


def test_each_address_is_asked_about_and_whoever_is_not_admitted_is_hung_up_on():
    taken = accepting(4, lambda address: address != "127.0.0.2", listening_socket("127.0.0.1", 0))
    assert taken == ["127.0.0.1", "127.0.0.3", "127.0.0.4"]


@pytest.mark.hostile
def test_no_more_are_accepted_than_leave_time_for_all_else(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(accept, "_PACE", Rate(3_600, burst=3))
    taken: list[str] = []

    def take(connection: socket.socket, address: str) -> None:
        taken.append(address)
        connection.close()

    async def go(listening: socket.socket) -> None:
        task = asyncio.create_task(accept_forever(listening, lambda _: True, take))
        for _ in range(5):
            _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
            writer.transport.abort()
        await asyncio.sleep(0.2)
        task.cancel()

    with listening_socket("127.0.0.1", 0) as listening:
        asyncio.run(asyncio.wait_for(go(listening), 30))
    assert len(taken) == 3


def test_without_descriptors_accepting_goes_on_later(monkeypatch: pytest.MonkeyPatch, caplog):
    monkeypatch.setattr(accept, "_RETRY_SECONDS", 0.01)
    real, failures = asyncio.SelectorEventLoop.sock_accept, iter([errno.EMFILE, errno.ENFILE])

    async def failing(loop, listening):
        code = next(failures, None)
        if code is not None:
            raise OSError(code, "too many open files")
        return await real(loop, listening)

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_accept", failing)
    assert len(accepting(1, lambda _: True, listening_socket("127.0.0.1", 0))) == 1
    assert caplog.text.count("no connection can be accepted") == 2


def test_what_the_kernel_keeps_for_a_connection_is_small():
    with listening_socket("127.0.0.1", 0) as listening:
        with socket.create_connection(listening.getsockname()):
            listening.setblocking(True)
            ours, _ = listening.accept()
        with ours:
            sizes = [
                ours.getsockopt(socket.SOL_SOCKET, one)
                for one in (socket.SO_RCVBUF, socket.SO_SNDBUF)
            ]
    # Linux doubles what it is asked for.
    assert sizes == [65_536] * 2


def test_an_address_of_ipv6_is_listened_on():
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        listening = listening_socket("::1", 0)
    except OSError:
        pytest.skip("no IPv6 address")
    with listening:
        assert listening.family == socket.AF_INET6
