"""The page, put together."""

import asyncio
import time

from kubernetes.aio.client import ApiClient, Configuration

from batchprocess_operator.endpoint.progress_tracker import ProgressTracker
from batchprocess_operator.kube.server_clock import ServerClock
from batchprocess_operator.page.serve import page_served
from batchprocess_operator.watch.cache import JobCache
from support.operator.objects import NOW
from support.operator.page_client import request


def test_it_is_served_while_the_block_runs_and_no_longer():
    async def go() -> tuple[int, bool]:
        # Nobody listens there; who is not logged in needs no API server.
        async with ApiClient(Configuration(host="http://127.0.0.1:9")) as client:
            tracker = ProgressTracker(lambda uid: None, lambda uid: None, lambda: NOW)
            clock = ServerClock(time.monotonic, lambda: NOW)
            served = page_served(JobCache(), tracker, client, clock, "127.0.0.1", 0)
            async with served as port:
                reply = await asyncio.to_thread(request, port, "GET", "/")
            try:
                await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return reply.status, True
            return reply.status, False

    assert asyncio.run(go()) == (303, True)
