"""A full listing of everything, now and then: watches may miss a deletion and never say so."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import ApiError, Denied, NotFound
from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.collections import Collection, Kind
from batchprocess_operator.watch.intake import Intake, uid_of

_LOG = logging.getLogger(__name__)
_INTERVAL_SECONDS = 300.0
_RETRY_SECONDS = 10.0


@dataclass
class Relist:
    """Looks at `collections`, each for itself."""

    api: Api
    cache: JobCache
    collections: Sequence[Collection]
    intake: Intake
    finished_at: float = float("-inf")

    async def once(self, clock: Callable[[], float]) -> None:
        """List jobs, children and pods into the cache, and forget what is gone.

        Before the first one nothing is decided: a job whose children are not known yet would get
        them created again. That is harmless (one name per child), but slow and noisy.

        A namespace that may not be seen is left out. Raises ApiError for a kind that may be seen
        nowhere, or for any other error, once the rest was looked at.
        """
        denied, failed, jobs = list[ApiError](), list[ApiError](), dict[str, None]()
        seen = set[Kind]()
        for one in self.collections:
            try:
                jobs |= await self.look(one)
                seen.add(one.kind)
            except Denied as error:
                _LOG.warning("%s cannot be listed, the others go on: %s", one.path, error)
                denied.append(error)
            except ApiError as error:
                failed.append(error)
        for uid in jobs:
            self.intake.changed(uid)
        if failed:
            # A resource that does not exist is told first: somebody has to install it.
            raise next((one for one in failed if isinstance(one, NotFound)), failed[0])
        if not seen.issuperset(one.kind for one in self.collections):
            raise denied[0]
        self.finished_at = clock()

    async def look(self, where: Collection) -> dict[str, None]:
        """List one collection into the cache, and forget what it has no more. Raises ApiError.

        Returns the UIDs of the jobs concerned, in order.
        """
        # Only what was known before the listing can be missing from it.
        before, seen = self.cache.uids(where.kind, where.namespace), set[str]()
        jobs = dict[str, None]()
        with self.cache.reading() as reading:
            async for raw in self.api.pages(where.path, where.selector):
                job = self.intake.put(where.kind, raw, reading)
                if job is not None:
                    jobs[job] = None
                seen.add(uid_of(raw))
        # Those just forgotten, too: others remember things of them.
        return jobs | dict.fromkeys(self.cache.forget(before - seen - reading.touched))

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
