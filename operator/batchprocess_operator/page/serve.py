"""The page, put together and listening."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kubernetes.aio.client import ApiClient

from batchprocess_operator.endpoint.progress_tracker import ProgressTracker
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.rate_limit import RateLimit
from batchprocess_operator.kube.server_clock import ServerClock
from batchprocess_operator.page.access.gate import Gate
from batchprocess_operator.page.history import History
from batchprocess_operator.page.http.server import serve_page
from batchprocess_operator.page.job_events import JobEvents
from batchprocess_operator.page.memory import Memory, jobs_in
from batchprocess_operator.page.site import Site
from batchprocess_operator.watch.cache import JobCache

REQUESTS_PER_SECOND = 50.0
REQUEST_BURST = 300
"""Of all visitors, to the API server: what they ask keeps nothing of the operator waiting."""


@asynccontextmanager
async def page_served(
    cache: JobCache,
    tracker: ProgressTracker,
    client: ApiClient,
    time: ServerClock,
    host: str,
    port: int,
) -> AsyncIterator[int]:
    """Serve it while the block runs; yields the port."""
    clock = asyncio.get_running_loop().time
    api = Api(client, RateLimit(REQUESTS_PER_SECOND, REQUEST_BURST, clock), time)
    history = History(lambda: jobs_in(cache), lambda: time.now().timestamp())
    memory = Memory(cache, tracker, history, time.now)
    site = Site(Gate(api, clock), memory, JobEvents(api, clock))
    async with serve_page(site.answer, host, port) as actual, asyncio.TaskGroup() as group:
        sampling = group.create_task(history.run_forever())
        try:
            yield actual
        finally:
            sampling.cancel()
            site.close()
