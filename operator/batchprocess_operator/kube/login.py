"""Where the API server is, and who we are there: for our client and for the watches alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration


@asynccontextmanager
async def client(*, unbounded: bool = False) -> AsyncIterator[ApiClient]:
    """A client; its token is read anew as the service account's is rotated.

    `unbounded`: with any number of connections, for watches, each of which keeps one.
    """
    configuration = await load()
    if unbounded:
        configuration.connection_pool_maxsize = 0
    # A create must not be repeated by anybody but us, who look at what is there first.
    configuration.retries = None
    async with ApiClient(configuration) as made:
        yield made


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
