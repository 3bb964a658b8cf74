"""Handing the messages of a job's status to whoever delivers them."""

from batchprocess.api.notify.settings import Notify
from batchprocess.api.status import Status
from batchprocess_operator.controller.services import Services
from batchprocess_operator.model.identity import JobIdentity
from batchprocess_operator.model.job import Job

_NO_ROOM_SECONDS = 60.0


def offer_messages(services: Services, job: Job, written: Status) -> None:
    """Have them sent. Those of a written status only: what was never written may not come true."""
    offer_those_of(services, job.body.spec.notify, job.identity, job.before, written)


def offer_those_of(
    services: Services, notify: Notify | None, about: JobIdentity, before: Status, written: Status
) -> None:
    """The same of a job that nobody can read as a whole."""
    if notify is None or written.notifications is None:
        services.notifier.forget(about.uid)
        return
    if not services.notifier.offer(about, notify.to, written.notifications.pending):
        services.queue.add(about.uid, _NO_ROOM_SECONDS)
    lost = 0 if before.notifications is None else before.notifications.lost
    services.notifier.lost(notify.to, written.notifications.lost - lost)
