"""Names of destinations are looked up in threads that nobody else needs."""

import asyncio
import socket
import threading

import pytest

from batchprocess_operator.notify.resolver import OwnThreads


def test_an_address_is_found() -> None:
    async def go() -> list[str]:
        resolver = OwnThreads()
        try:
            return [one["host"] for one in await resolver.resolve("localhost", 80)]
        finally:
            await resolver.close()

    assert "127.0.0.1" in asyncio.run(go())


def test_names_that_are_never_found_leave_the_loops_own_threads_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released = threading.Event()

    def hang(*_: object) -> list[object]:
        released.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    async def go() -> str:
        resolver = OwnThreads()
        tasks = [asyncio.create_task(resolver.resolve(f"{n}.example")) for n in range(200)]
        await asyncio.sleep(0)
        try:
            return await asyncio.to_thread(lambda: "as ever")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            released.set()
            await resolver.close()

    assert asyncio.run(go()) == "as ever"
