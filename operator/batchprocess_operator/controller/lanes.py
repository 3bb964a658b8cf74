"""Destinations of the settings, with a queue and metrics for each."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.controller.work_queue import WorkQueue
from batchprocess_operator.notify.destinations import DestinationError, read_destinations
from batchprocess_operator.notify.lane import Lane
from batchprocess_operator.notify.notifier import Notifier
from batchprocess_operator.notify.transport import transport
from batchprocess_operator.settings import OperatorSettings, SettingsError, variable_of


@asynccontextmanager
async def notifier_of(
    settings: OperatorSettings,
    changed: Callable[[str], None],
    metrics: Metrics,
    clock: Callable[[], float],
) -> AsyncIterator[Notifier]:
    """Of the settings; `changed` is called with jobs whose messages were delivered.

    Raises SettingsError, without what was set: a URL may be a secret.
    """
    try:
        there = read_destinations(settings.notifications)
    except DestinationError as error:
        raise SettingsError(f"{variable_of('notifications')}: {error}") from None
    async with transport() as sender:
        lanes = {
            one.name: Lane(
                one, there.cluster, WorkQueue(clock), sender, changed, metrics.message, clock
            )
            for one in there.destinations
        }
        for name, lane in lanes.items():
            metrics.watch_destination(name, lambda lane=lane: len(lane.jobs))  # type: ignore[misc]
        yield Notifier(lanes)
