"""Where the API server is, and who we are there: for our client and for kopf's watches alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import kopf
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration


@asynccontextmanager
async def client() -> AsyncIterator[ApiClient]:
    """Our own client; its token is read anew as the service account's is rotated."""
    configuration = await load()
    # A create must not be repeated by anybody but us, who look at what is there first.
    configuration.retries = None
    async with ApiClient(configuration) as made:
        yield made


async def kopf_login(**_kwargs: Any) -> kopf.ConnectionInfo:
    """The same for kopf, which asks again whenever the API server answers 401.

    Kopf's own service account login needs a DNS name; the address in a pod's environment does not.
    """
    found = await load()
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


async def load() -> Configuration:
    """In a pod the service account, else the usual kubeconfig."""
    configuration = Configuration()
    try:
        config.load_incluster_config(  # type: ignore[no-untyped-call]
            client_configuration=configuration
        )
    except config.ConfigException:
        await config.load_kube_config(  # type: ignore[no-untyped-call]
            client_configuration=configuration
        )
    return configuration
