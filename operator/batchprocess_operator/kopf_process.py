"""Kopf's part: it logs in and runs the process until a signal. `watch` reads events (ADR 0024)."""

from typing import Any

import kopf

from batchprocess_operator.kube import login
from batchprocess_operator.model.names import FIELD_MANAGER


async def run_until_stopped() -> None:
    """Until SIGTERM, SIGINT, or kopf's own end; raises what ended it."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(kopf_login)
    await kopf.operator(
        # Kopf would ask the user database, which has no entry for a container's plain number.
        identity=FIELD_MANAGER,  # type: ignore[arg-type]
        registry=registry,
        settings=kopf_settings(),
        standalone=True,
        clusterwide=True,
    )


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


def kopf_settings() -> kopf.OperatorSettings:
    """Alone, silent on objects, and watching none."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    return settings
