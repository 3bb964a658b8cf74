"""Events about a job, as the API server has them; remembered for a few seconds.

Tenants write Events, too, of any length: what is read and what is kept of them is bounded.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from batchprocess.kube import paths
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import ApiError
from batchprocess_operator.page.access.remembered import Remembered
from batchprocess_operator.page.views import words
from batchprocess_operator.page.views.snapshot import EventSeen

REMEMBERED_SECONDS = 10.0
MAX_JOBS = 200
MAX_READ = 200
MAX_BYTES = 1 << 20
"""Of them all: they are read on the loop, on which everybody else waits."""
MAX_EVENTS = 30
"""Shown of a job, the newest of those that are read."""


class JobEvents:
    """`clock` in seconds."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api = api
        self._known: Remembered[str, Sequence[EventSeen] | None] = Remembered(
            clock, REMEMBERED_SECONDS, MAX_JOBS
        )

    async def of(self, namespace: str, uid: str) -> Sequence[EventSeen] | None:
        """The newest first; None if they cannot be read, as where there is too much of them."""
        return await self._known.get(uid, lambda: self._read(namespace, uid))

    async def _read(self, namespace: str, uid: str) -> Sequence[EventSeen] | None:
        query = {"fieldSelector": f"involvedObject.uid={uid}", "limit": str(MAX_READ)}
        try:
            found = await self._api.get(paths.events(namespace), query, MAX_BYTES)
        except ApiError:
            return None  # the page is worth a look without them
        items = found.get("items") or []
        events = [event_of(one) for one in items if isinstance(one, Mapping)]
        return sorted(events, key=_newest_first)[:MAX_EVENTS]


def event_of(raw: Mapping[str, Any]) -> EventSeen:
    """Whatever is in it: anybody who may write Events there has written it."""
    last = next((raw[key] for key in ("lastTimestamp", "eventTime") if raw.get(key)), None)
    meta = raw.get("metadata")
    made = meta.get("creationTimestamp") if isinstance(meta, Mapping) else None
    times = raw.get("count")
    return EventSeen(
        warning=raw.get("type") == "Warning",
        reason=words.text(raw.get("reason") or "", 64),
        message=words.text(raw.get("message") or ""),
        times=times if isinstance(times, int) and times > 0 else 1,
        last=_time(last) or _time(made),
    )


def _newest_first(one: EventSeen) -> float:
    return 0.0 if one.last is None else -one.last.timestamp()


def _time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    # Without a zone it is none that the API server has written.
    return found if found.tzinfo is not None else None
