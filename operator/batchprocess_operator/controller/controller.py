"""The loop around reconcile: take a key, make one pass over its job, back off if that fails."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from batchprocess.backoff import Backoff
from batchprocess.plain_text import plain
from batchprocess_operator.controller.job_pass import Memory, Pass
from batchprocess_operator.controller.messages import offer_those_of
from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.controller.services import Services
from batchprocess_operator.controller.status_writer import write_status
from batchprocess_operator.kube.errors import ApiError, Unavailable
from batchprocess_operator.model.reasons import INVALID_SPEC
from batchprocess_operator.model.report_address import ReportAddress
from batchprocess_operator.observe.read_job import (
    Unreadable,
    read_identity,
    read_notify,
    read_status,
    read_stored,
    stalled_status,
)
from batchprocess_operator.status.events import bad_news
from batchprocess_operator.status.messages.outbox import with_messages
from batchprocess_operator.watch.entry import Entry

_LOG = logging.getLogger(__name__)
_BACKOFF = Backoff(first=1.0, most=60.0)
_MAX_SILENT_FAILURES = 3
"""An answer that is an error is often another one a second later."""
_MAX_FAULT = 300


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
            uid, pause = await queue.next_key(), _BACKOFF.most
            try:
                pause = await self._look_at(uid)
            finally:
                queue.done(uid, pause)

    async def _look_at(self, uid: str) -> float:
        """Seconds to leave the job alone, whatever arrives: longer after each failure in a row.

        A fault of ours that one job brings out must not stop the jobs of everybody else.
        """
        try:
            with self.metrics.timed_pass():
                return await self._pass_over(uid)
        except Exception as error:  # noqa: BLE001
            failure = error
        pause = self._after(uid, failure)
        try:
            await self._tell(uid, failure)
        except Exception as error:  # noqa: BLE001
            _LOG.warning("job %s: its status cannot be written: %s", uid, plain(repr(error)))
        return pause

    async def _pass_over(self, uid: str) -> float:
        """Seconds until the next pass at the earliest."""
        entry = self.services.cache.entries.get(uid)
        if entry is None or entry.job is None:
            self._forget(uid)
            return 0.0
        if entry.job.deleting:
            return 0.0
        stored, raw = entry.job, entry.job.unpacked()
        memory, now = self.memories.setdefault(uid, Memory()), self.now()
        try:
            job = read_stored(stored, raw, self.report_address())
        except Unreadable as error:
            await self._write_stalled(entry, raw, INVALID_SPEC, str(error))
            return 0.0
        if job.unknown:
            job = replace(job, unsure=await self.services.served_schema.refusal(job.unknown))
        pause = await Pass(self.services, job, entry, raw, memory, now).run()
        memory.failures = 0
        return pause

    def _after(self, uid: str, failure: Exception) -> float:
        """How long to leave it alone after this failure; it is looked at again then."""
        memory = self.memories.setdefault(uid, Memory())
        memory.failures += 1
        self.metrics.failed()
        wait = _BACKOFF.seconds(memory.failures)
        if isinstance(failure, Unavailable):
            wait = max(wait, failure.retry_after)
        known = isinstance(failure, ApiError)
        words = str(failure) if known else f"this is a bug of the operator: {_sentence(failure)}"
        level = logging.WARNING if known else logging.ERROR
        _LOG.log(
            level,
            "job %s: %s; again in %.0f s",
            uid,
            words,
            wait,
            exc_info=None if known else failure,
        )
        self.services.queue.add(uid)
        return wait

    async def _tell(self, uid: str, failure: Exception) -> None:
        """Say in the job's status why nothing goes on; an API server that is away takes no word."""
        entry = self.services.cache.entries.get(uid)
        if entry is None or entry.job is None or isinstance(failure, Unavailable):
            return
        if not isinstance(failure, ApiError):
            what = f"this is a bug of the operator, which tries again: {_sentence(failure)}"
            await self._write_stalled(entry, entry.job.unpacked(), "OperatorFault", what)
        elif self.memories[uid].failures >= _MAX_SILENT_FAILURES:
            what = f"the API server refuses what the operator does for the job: {failure}"
            await self._write_stalled(entry, entry.job.unpacked(), "RequestsFail", what)

    async def _write_stalled(
        self, entry: Entry, raw: Mapping[str, Any], reason: str, message: str
    ) -> None:
        before, now = read_status(raw), self.now()
        about, notify = read_identity(raw), read_notify(raw)
        stalled = stalled_status(raw, reason, message, now)
        notified = self.services.notifier.notified(about)
        status = with_messages(notify, about, before, stalled, notified, now)
        if status != before and not await write_status(self.services, status, entry, raw):
            return
        offer_those_of(self.services, notify, about, before, status)
        for event in bad_news(before, status):
            await self.services.recorder.post(event, about, now)

    def _forget(self, uid: str) -> None:
        """The job is gone."""
        self.memories.pop(uid, None)
        self.services.reports.forget(uid)
        self.services.notifier.forget(uid)
        self.services.queue.forget(uid)


def _sentence(failure: Exception) -> str:
    return plain(f"{type(failure).__name__}: {failure}", _MAX_FAULT)
