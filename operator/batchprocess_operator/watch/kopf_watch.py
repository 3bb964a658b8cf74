"""Kopf's part: it logs in, watches, and hands every event to the cache. Nothing else.

Only `on.event` handlers: they need no finalizer and no annotation on anybody's object, and their
errors cannot stop a timer for good. Deletions that a watch missed are found by `relist.py`.
"""

from collections.abc import Callable
from typing import Any

import kopf

from batchprocess.protocol.job_object import GROUP, PLURAL, VERSION
from batchprocess_operator.kube import login
from batchprocess_operator.model.names import LABEL_JOB_UID
from batchprocess_operator.watch.cache import JobCache

_SERVER_SECONDS, _CLIENT_SECONDS, _CONNECT_SECONDS = 300, 330, 10
_PAGE = 500


def watching(
    cache: JobCache, changed: Callable[[str], None], healthy: Callable[[], dict[str, float]]
) -> kopf.OperatorRegistry:
    """Handlers that keep `cache` and call `changed` with the UID of the job concerned."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(kopf_login)
    puts: dict[str, Callable[[Any], str | None]] = {
        PLURAL: cache.put_job,
        "jobs": cache.put_child,
        "pods": cache.put_pod,
    }
    drops: dict[str, Callable[[Any], str | None]] = {
        PLURAL: lambda raw: cache.drop_job(raw["metadata"]["uid"]),
        "jobs": cache.drop_child,
        "pods": cache.drop_pod,
    }

    async def seen(event: kopf.RawEvent, resource: kopf.Resource, **_: Any) -> None:
        take = drops if event["type"] == "DELETED" else puts
        uid = take[resource.plural](event["object"])
        if uid is not None:
            changed(uid)

    async def health(**_: Any) -> dict[str, float]:
        return healthy()

    kopf.on.event(GROUP, VERSION, PLURAL, id="job", registry=registry)(seen)
    kopf.on.event("batch", "v1", "jobs", id="child", registry=registry)(seen)
    kopf.on.event("v1", "pods", id="pod", registry=registry)(seen)
    kopf.on.probe(id="reconcile", registry=registry)(health)
    return registry


async def kopf_login(**_kwargs: Any) -> kopf.ConnectionInfo:
    """Our own client's credentials for kopf, which asks again whenever the API server answers 401.

    Kopf's own service account login needs a DNS name; the address in a pod's environment does not.
    """
    found = await login.load()
    scheme, _, token = str(found.api_key.get("BearerToken") or "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=found.host,
        ca_path=found.ssl_ca_cert,
        insecure=not found.verify_ssl,
        scheme=scheme or ("Bearer" if token else None),
        token=token or None,
        certificate_path=found.cert_file,
        private_key_path=found.key_file,
    )


class NoDiffs(kopf.DiffBaseStorage):
    """For an operator without handlers of changes.

    Kopf copies every object deeply at every event to compare it with what was handled last, also
    if nobody asks: nine tenths of our CPU time with 10,000 pods.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing of an object is compared."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        """Nothing was kept."""

    def store(self, **_: Any) -> None:
        """Nothing is kept."""


def watch_settings() -> kopf.OperatorSettings:
    """Alone, silent on objects, and sceptical of quiet streams."""
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = NoDiffs()
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.watching.server_timeout = _SERVER_SECONDS
    settings.watching.client_timeout = _CLIENT_SECONDS
    settings.watching.connect_timeout = _CONNECT_SECONDS
    settings.watching.chunk_size = _PAGE
    settings.watching.label_selectors["batch", "v1", "jobs"] = LABEL_JOB_UID
    settings.watching.label_selectors["v1", "pods"] = LABEL_JOB_UID
    return settings
