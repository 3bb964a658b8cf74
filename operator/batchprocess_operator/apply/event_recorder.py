"""Events about jobs: posted for people, never needed, and not in floods."""

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from batchprocess.protocol.job_object import API_VERSION, KIND
from batchprocess_operator.kube import paths
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import AlreadyExists, ApiError
from batchprocess_operator.model.identity import JobIdentity
from batchprocess_operator.model.plan import Event

_LOG = logging.getLogger(__name__)
_REPEAT_SECONDS = 300.0
_MAX_A_MINUTE = 20
_MAX_MESSAGE = 1_000


class EventRecorder:
    """Posts an event once in five minutes, and few a minute for each job. `clock` in seconds."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api, self._clock = api, clock
        self._posted: dict[str, dict[tuple[str, str], float]] = {}
        self._tidied = clock()

    async def post(self, event: Event, about: JobIdentity, now: datetime) -> None:
        """Post `event`; a failure is logged."""
        self._tidy()
        posted = self._posted.setdefault(about.uid, {})
        if not self._may(posted, (event.reason, event.message)):
            return
        posted[event.reason, event.message] = self._clock()
        try:
            await self._api.create(paths.events(about.namespace), _body(event, about, now))
        except AlreadyExists:
            return  # a replica of ours has posted it
        except ApiError as error:
            _LOG.warning("event %s of %s was not posted: %s", event.reason, about.name, error)

    def _may(self, posted: dict[tuple[str, str], float], key: tuple[str, str]) -> bool:
        now = self._clock()
        lately = sum(now - at < 60 for at in posted.values())
        return now - posted.get(key, float("-inf")) >= _REPEAT_SECONDS and lately < _MAX_A_MINUTE

    def _tidy(self) -> None:
        """Forget what may be posted again; seldom, for all jobs are gone through."""
        now = self._clock()
        if now - self._tidied < 60:
            return
        self._tidied = now
        recent = (
            (uid, {key: at for key, at in posted.items() if now - at < _REPEAT_SECONDS})
            for uid, posted in self._posted.items()
        )
        self._posted = {uid: posted for uid, posted in recent if posted}


def _body(event: Event, about: JobIdentity, now: datetime) -> dict[str, Any]:
    time = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    text = f"{about.uid} {event.reason} {event.message} {now:%Y%m%d%H%M}"
    return {
        "metadata": {
            # The same for replicas that see the same in the same minute.
            "name": f"{about.name}.{hashlib.sha256(text.encode()).hexdigest()[:16]}",
            "namespace": about.namespace,
        },
        "type": event.type,
        "reason": event.reason,
        "message": event.message[:_MAX_MESSAGE],
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
