"""Requests and watches of the benchmark itself: as few bytes and as little time as possible."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from testcluster import ClusterError, ControlPlane

JOBS = "/apis/batch/v1/namespaces/default/jobs"
OBJECTS = "/apis/batchprocess.dev/v1alpha1/namespaces/default/batchprocessjobs"


class Requests:
    """One session with one API server."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Raises ClusterError with the API server's words."""
        async with self._session.post(path, json=body) as answer:
            text = await answer.text()
            if answer.status != 201:
                raise ClusterError(f"POST {path}: {answer.status} {text[:500]}")
            made: dict[str, Any] = json.loads(text)
            return made

    async def get(self, path: str) -> dict[str, Any]:
        """One object or a list."""
        async with self._session.get(path) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found

    async def watch(self, path: str, seen: Callable[[dict[str, Any], int, float], None]) -> None:
        """Call `seen` with each object that is there or changes, its bytes, and the time.

        Time is that of `time.time()` when the event was read. Until cancelled.
        """
        timeout = aiohttp.ClientTimeout(total=None)
        query = {"watch": "true", "timeoutSeconds": "7200"}
        async with self._session.get(path, params=query, timeout=timeout) as answer:
            answer.raise_for_status()
            buffer = bytearray()
            async for part in answer.content.iter_any():
                buffer += part
                if b"\n" not in part:
                    continue
                lines, _, rest = buffer.rpartition(b"\n")
                buffer = bytearray(rest)
                at = time.time()
                for line in lines.split(b"\n"):
                    seen(json.loads(line)["object"], len(line), at)


@asynccontextmanager
async def requests(plane: ControlPlane) -> AsyncIterator[Requests]:
    """As the cluster's admin."""
    pki = plane.authority.folder
    context = ssl.create_default_context(cafile=str(plane.authority.certificate))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    connector = aiohttp.TCPConnector(ssl=context, limit=64)
    async with aiohttp.ClientSession(plane.url, connector=connector) as session:
        yield Requests(session)


@asynccontextmanager
async def watching(
    api: Requests, *watches: tuple[str, Callable[[dict[str, Any], int, float], None]]
) -> AsyncIterator[None]:
    """Watches that go on inside; one that ends by itself ends the benchmark."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(api.watch(path, seen)) for path, seen in watches]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def until(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Wait until `holds()`. Raises ClusterError."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise ClusterError(f"this is not so after {seconds:.0f} s: {what}")
        await asyncio.sleep(0.05)
