"""One watch: events as they come, from where the last one ended, for as long as we live."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from batchprocess.backoff import Backoff
from batchprocess_operator.kube import deep_json
from batchprocess_operator.kube.answers import error_of
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import ApiError, Expired
from batchprocess_operator.watch.collections import Collection
from batchprocess_operator.watch.intake import Intake

_LOG = logging.getLogger(__name__)
_BACKOFF = Backoff(first=1.0, most=60.0)
_PAUSES = Backoff(first=0.1, most=10.0)
_SHORT_SECONDS = 10.0
"""A stream lasts for minutes. Where each is ended at once, a proxy, say, has no room for them."""
_MAX_FAILURES = 3
"""Then it begins anew: a version that the API server has never had is refused for ever."""


@dataclass
class Watch:
    """`look` lists the collection into the cache and returns UIDs of jobs.

    `clock` in seconds. `version`: all up to it was seen; None before the first look. `short`: how
    many streams in a row ended at once.
    """

    api: Api
    collection: Collection
    intake: Intake
    look: Callable[[Collection], Awaitable[Iterable[str]]]
    clock: Callable[[], float]
    version: int | None = None
    failures: int = 0
    short: int = 0

    async def begin(self) -> None:
        """Note where it begins; what was there before is for a look to see. Raises ApiError."""
        where = self.collection
        self.version = await self.api.newest_version(where.path, where.selector)

    async def begin_if_allowed(self) -> None:
        """What may not be watched may not be listed either, and that is where it is told."""
        try:
            await self.begin()
        except ApiError as error:
            _LOG.info("%s is not watched yet: %s", self.collection.path, error)

    async def run_forever(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Whatever ends a stream, a namespace that is forbidden too: it is asked for again."""
        while True:
            began = self.clock()
            try:
                await self._follow()
                self.short = self.short + 1 if self.clock() - began < _SHORT_SECONDS else 0
                pause = _PAUSES.seconds(self.short + 1)
            except ApiError as error:
                pause = self._after(error)
            await sleep(pause)

    async def _follow(self) -> None:
        where = self.collection
        if await self._went_back():
            self.version = None
        if self.version is None:
            await self.begin()
            for job in await self.look(where):
                self.intake.changed(job)
        if self.version is None:
            return
        events = self.api.watch(where.path, where.selector, self.version)
        async with aclosing(events):
            async for line in events:
                self._take(line)
                self.failures = 0

    async def _went_back(self) -> bool:
        """Whether the cluster is an older one, restored: its watch would wait for our version.

        It takes one that is still to come, and shows nothing until then.
        """
        if self.version is None or not self.failures:
            return False
        where = self.collection
        return await self.api.newest_version(where.path, where.selector) < self.version

    def _after(self, error: ApiError) -> float:
        self.failures += 1
        if isinstance(error, Expired) or self.failures == _MAX_FAILURES:
            self.version = None
        if self.failures == 1 and not isinstance(error, Expired):
            _LOG.warning("the watch of %s ended: %s", self.collection.path, error)
        return _BACKOFF.seconds(self.failures)

    def _take(self, line: bytes) -> None:
        """Hand one event over. Raises ApiError for one that ends the stream."""
        try:
            event = deep_json.loads(line)
            kind, raw = event["type"], event["object"]
        except (ValueError, KeyError, TypeError) as error:
            self.intake.skip(f"an event of {self.collection.path}", error)
            return
        if kind == "ERROR":
            raise error_of(_code(raw), deep_json.dumps(raw))
        if kind != "BOOKMARK":
            take = self.intake.drop if kind == "DELETED" else self.intake.put
            job = take(self.collection.kind, raw)
            if job is not None:
                self.intake.changed(job)
        self._remember(raw)

    def _remember(self, raw: Any) -> None:
        try:
            self.version = int(raw["metadata"]["resourceVersion"])
        except (ValueError, KeyError, TypeError):
            return  # it goes on from the one before, and sees some events twice


def _code(raw: Any) -> int:
    code = raw.get("code") if isinstance(raw, dict) else None
    return code if isinstance(code, int) else 500
