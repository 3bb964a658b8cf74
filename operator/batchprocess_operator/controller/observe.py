"""All that is known of one job: what the watches, the endpoint and a few lookups have."""

import logging
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from batchprocess_operator.controller.services import Services
from batchprocess_operator.kube.errors import ApiError
from batchprocess_operator.model.job import FINAL, Job
from batchprocess_operator.model.observed import Observed, Reason
from batchprocess_operator.watch.entry import Entry

_LOG = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


Refusal = tuple[str, bool]
"""Name of a child or pod, and whether it was to be made: else it was to be changed or deleted."""


async def observe(
    services: Services,
    job: Job,
    entry: Entry,
    refused: Mapping[Refusal, Reason],
    undone: Mapping[str, tuple[str, ...]],
    now: datetime,
) -> Observed:
    """What a pass decides upon; `refused`: what the API server does not do. Raises ApiError.

    `undone`: as in `Observed`.
    """
    await _read_ended_finalizer(services, job, entry)
    children, pods = tuple(entry.children.values()), tuple(entry.pods.values())
    newest = max(children, key=lambda one: (one.role == "finalizer", one.retry), default=None)
    ours = [pod for pod in pods if newest is not None and pod.child_uid == newest.uid]
    namespace, lookups = job.identity.namespace, services.lookups
    return Observed(
        children=children,
        pods=pods,
        gone=tuple(entry.gone.values()),
        reported=services.reports.reported(job.identity.uid),
        refused={name: why for (name, made), why in refused.items() if made},
        unchangeable={name: why for (name, made), why in refused.items() if not made},
        undone=undone,
        trouble=await _hint(lookups.troubles(namespace, newest, ours, now), {}),
        lost_nodes=await _hint(lookups.lost_nodes(pods, now), frozenset()),
        notified=services.notifier.notified(job.identity),
    )


async def _hint(asked: Awaitable[_Answer], otherwise: _Answer) -> _Answer:
    """What was asked about; nothing of it may keep a job from being looked at."""
    try:
        return await asked
    except ApiError:
        raise
    except Exception as error:  # noqa: BLE001
        _LOG.error("a hint is done without: this is a bug of the operator", exc_info=error)
        return otherwise


async def _read_ended_finalizer(services: Services, job: Job, entry: Entry) -> None:
    """Read the pod of a finalizer that has ended well, if no watch has shown its end.

    Pods' watch may be minutes behind that of Jobs. Who took a result that is late for a lost one
    would delete the finalizer and make it again, and be late again.
    """
    if job.before.state in FINAL:
        return
    made = (one for one in entry.children.values() if one.role == "finalizer")
    ended = {one.uid for one in made if one.succeeded}
    pods = (*entry.gone.values(), *entry.pods.values())
    if ended - {pod.child_uid for pod in pods if pod.ended}:
        namespace, uid = job.identity.namespace, job.identity.uid
        with services.cache.reading() as reading:
            for raw in await services.lookups.finalizer_pods(namespace, uid):
                # Anybody may write the labels of one that nobody can read.
                with suppress(ValueError, KeyError, TypeError):
                    services.cache.put_pod(raw, reading)
