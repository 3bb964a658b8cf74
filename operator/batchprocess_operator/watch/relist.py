"""A full listing of everything, now and then: watches may miss a deletion and never say so."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from batchprocess_operator.kube import paths
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import ApiError
from batchprocess_operator.model.names import LABEL_JOB_UID
from batchprocess_operator.watch.cache import JobCache

_LOG = logging.getLogger(__name__)
_INTERVAL_SECONDS = 300.0
_RETRY_SECONDS = 10.0


@dataclass
class Relist:
    """`namespaces`: those to list, or one None for all of them."""

    api: Api
    cache: JobCache
    namespaces: Sequence[str | None]
    changed: Callable[[str], None]
    finished_at: float = float("-inf")

    async def once(self, clock: Callable[[], float]) -> None:
        """List jobs, children and pods into the cache, and forget what is gone.

        Before the first one nothing is decided: a job whose children are not known yet would get
        them created again. That is harmless (one name per child), but slow and noisy.
        """
        # Only what was known before the listing can be missing from it.
        before, seen = self.cache.uids(), set[str]()
        for namespace in self.namespaces:
            await self._list(paths.job_objects(namespace), None, self.cache.put_job, seen)
            await self._list(paths.child_jobs(namespace), LABEL_JOB_UID, self.cache.put_child, seen)
            await self._list(paths.pods(namespace), LABEL_JOB_UID, self.cache.put_pod, seen)
        jobs = list(self.cache.entries)
        self.cache.forget(before - seen)
        self.finished_at = clock()
        # Those just forgotten, too: others remember things of them.
        for uid in {**dict.fromkeys(jobs), **self.cache.entries}:
            self.changed(uid)

    async def run_forever(self, clock: Callable[[], float]) -> None:
        """Every five minutes, for ever; an API server that is away is asked again soon."""
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            while True:
                try:
                    await self.once(clock)
                    break
                except ApiError as error:
                    _LOG.warning("the full look failed: %s", error)
                    await asyncio.sleep(_RETRY_SECONDS)

    async def _list(
        self, path: str, selector: str | None, put: Callable[[Any], str | None], seen: set[str]
    ) -> None:
        async for raw in self.api.pages(path, selector):
            put(raw)
            seen.add(raw["metadata"]["uid"])
