"""The loop around reconcile: take a key, make one pass over its job, back off if that fails."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from batchprocess.backoff import Backoff
from batchprocess_operator.controller.job_pass import Memory, Pass
from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.controller.services import Services
from batchprocess_operator.controller.status_writer import write_status
from batchprocess_operator.kube.errors import ApiError
from batchprocess_operator.model.report_address import ReportAddress
from batchprocess_operator.observe.read_job import (
    Unreadable,
    read_job,
    read_status,
    unreadable_status,
)
from batchprocess_operator.watch.cache import Entry

_LOG = logging.getLogger(__name__)
_BACKOFF = Backoff(first=1.0, most=60.0)


@dataclass
class Controller:
    """`now` gives UTC; `report_address` is asked anew for every pass."""

    services: Services
    report_address: Callable[[], ReportAddress | None]
    now: Callable[[], datetime]
    metrics: Metrics
    memories: dict[str, Memory] = field(default_factory=dict)

    async def work(self) -> None:
        """Take keys for ever. Several of these may run in one loop."""
        queue = self.services.queue
        while True:
            uid, pause = await queue.next_key(), 0.0
            try:
                with self.metrics.timed_pass():
                    pause = await self._pass_over(uid)
            except ApiError as error:
                self._back_off(uid, error)
            except Exception as error:  # noqa: BLE001
                # A fault of ours that one job brings out must not stop the jobs of everybody else.
                _LOG.error("job %s: this is a bug of the operator", uid, exc_info=error)
                self._back_off(uid, error)
            finally:
                queue.done(uid, pause)

    async def _pass_over(self, uid: str) -> float:
        """Seconds until the next pass at the earliest."""
        entry = self.services.cache.entries.get(uid)
        if entry is None or entry.raw is None:
            self._forget(uid)
            return 0.0
        raw = entry.raw
        if "deletionTimestamp" in raw["metadata"]:
            return 0.0
        memory, now = self.memories.setdefault(uid, Memory()), self.now()
        try:
            job = read_job(raw, self.report_address())
        except Unreadable as error:
            await self._say_unreadable(error, entry, raw, now)
            return 0.0
        pause = await Pass(self.services, job, entry, raw, memory, now).run()
        memory.failures = 0
        return pause

    async def _say_unreadable(
        self, error: Unreadable, entry: Entry, raw: Mapping[str, Any], now: datetime
    ) -> None:
        status = unreadable_status(raw, error, now)
        if status != read_status(raw):
            await write_status(self.services, status, entry, raw)

    def _forget(self, uid: str) -> None:
        """The job is gone."""
        self.memories.pop(uid, None)
        self.services.reports.forget(uid)
        self.services.queue.forget(uid)

    def _back_off(self, uid: str, error: Exception) -> None:
        memory = self.memories.setdefault(uid, Memory())
        memory.failures += 1
        self.metrics.failed()
        wait = _BACKOFF.seconds(memory.failures)
        _LOG.warning("job %s: %s; again in %.0f s", uid, error, wait)
        self.services.queue.add(uid, wait)
