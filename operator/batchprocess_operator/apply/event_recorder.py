"""Events about jobs: posted for people, never needed, and not in floods."""

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from batchprocess.kube import paths
from batchprocess.plain_text import plain
from batchprocess.protocol.job_object import API_VERSION, KIND
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import AlreadyExists, ApiError
from batchprocess_operator.model.identity import JobIdentity
from batchprocess_operator.model.plan import Event

_LOG = logging.getLogger(__name__)
_NEWS_AGAIN_SECONDS = 300.0
"""Who suspends and resumes a job sees each of it."""
_WARNING_AGAIN_SECONDS = 3_600.0
"""So long an API server keeps an event."""
_MAX_A_MINUTE = 20
_MAX_KEPT = 50
"""For a job: what it has told is remembered for so many events."""
_MAX_MESSAGE = 1_000


class EventRecorder:
    """Posts what is the same once in a while, and few a minute for each job. `clock` in seconds."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api, self._clock = api, clock
        self._posted: dict[str, dict[str, float]] = {}
        self._tidied = clock()

    async def post(self, event: Event, about: JobIdentity, now: datetime) -> None:
        """Post `event`; a failure is logged."""
        self._tidy()
        posted, key = self._posted.setdefault(about.uid, {}), _key(event, about)
        if not self._may(posted, key, _again_after(event)):
            return
        posted.pop(key, None)
        posted[key] = self._clock()
        if len(posted) > _MAX_KEPT:
            del posted[next(iter(posted))]
        try:
            body = _body(event, about, f"{key}{now:%Y%m%d%H%M}", now)
            await self._api.create(paths.events(about.namespace), body)
        except AlreadyExists:
            return  # a replica of ours has posted it
        except ApiError as error:
            _LOG.warning("event %s of %s was not posted: %s", event.reason, about.name, error)

    def _may(self, posted: dict[str, float], key: str, repeat: float) -> bool:
        now = self._clock()
        lately = sum(now - at < 60 for at in posted.values())
        return now - posted.get(key, float("-inf")) >= repeat and lately < _MAX_A_MINUTE

    def _tidy(self) -> None:
        """Forget what may be posted again; seldom, for all jobs are gone through."""
        now = self._clock()
        if now - self._tidied < 60:
            return
        self._tidied = now
        recent = (
            (uid, {key: at for key, at in posted.items() if now - at < _WARNING_AGAIN_SECONDS})
            for uid, posted in self._posted.items()
        )
        self._posted = {uid: posted for uid, posted in recent if posted}


def _again_after(event: Event) -> float:
    return _WARNING_AGAIN_SECONDS if event.type == "Warning" else _NEWS_AGAIN_SECONDS


def _key(event: Event, about: JobIdentity) -> str:
    return _digest(f"{about.uid} {event.reason} {event.same or event.message}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


def _body(event: Event, about: JobIdentity, occasion: str, now: datetime) -> dict[str, Any]:
    """`occasion`: the same for replicas that see the same in the same minute."""
    time = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "metadata": {
            "name": f"{about.name}.{_digest(occasion)}",
            "namespace": about.namespace,
        },
        "type": event.type,
        "reason": event.reason,
        "message": plain(event.message, _MAX_MESSAGE),
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": about.namespace,
            "name": about.name,
            "uid": about.uid,
        },
        "source": {"component": "batchprocess-operator"},
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }
