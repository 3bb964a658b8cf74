"""The certificate where it lies: one Secret, on which operators that run at once agree."""

import base64
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import aiohttp
from kubernetes.aio.client import ApiException, CoreV1Api, V1Secret

from batchprocess_operator.endpoint.certificates import CA_CERT, renewed

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_TRIES = 5
_API_SECONDS = 10.0

Data = Mapping[str, bytes]
Source = Callable[[], Awaitable[Data]]
"""Gives the data to serve with; CertificateUnavailable if there is none now."""


class CertificateUnavailable(Exception):
    """The Secret could not be read or written, or does not hold what it must."""


class Conflict(Exception):
    """Somebody else has written the Secret since it was read."""


class SecretStore(Protocol):
    """Where the Secret's data lies. Both raise CertificateUnavailable if they cannot be done."""

    async def read(self) -> tuple[Data, Any]:
        """The data, and what `write` needs to see whether it is still that."""

    async def write(self, data: Data, found: Any) -> None:
        """Replace what was found, or Conflict if it is not what is there now."""


def own(secret: SecretStore, names: Sequence[str], now: Callable[[], datetime]) -> Source:
    """A certificate that the operator makes and renews itself."""
    return lambda: ensure(secret, names, now())


def given(secret: SecretStore) -> Source:
    """A certificate that somebody else makes and renews; it is never written."""

    async def read() -> Data:
        return (await secret.read())[0]

    return read


async def ensure(secret: SecretStore, names: Sequence[str], now: datetime) -> Data:
    """The data to serve with; made, renewed or left as it is.

    Killed before the write: nothing has happened. Killed after it, or its answer lost: the next
    read finds good data and keeps it. Two operators at once: one write is refused, and its sender
    reads again and takes what the other one wrote, so both serve under one CA.
    """
    for _ in range(_TRIES):
        data, found = await secret.read()
        wanted = renewed(data, names, now)
        if wanted is None:
            return data
        if data.get(CA_CERT) not in (None, b"", wanted[CA_CERT]):
            _LOG.warning(
                "the progress endpoint gets another CA: workers that run now trust the old one, "
                "and report nothing until they end"
            )
        try:
            await secret.write(wanted, found)
        except Conflict:
            continue
        return wanted
    raise CertificateUnavailable(f"somebody else wrote it {_TRIES} times in a row")


@dataclass(frozen=True)
class KubernetesSecret:
    """One Secret of the operator's own namespace, made empty by the chart. Get and update only."""

    api: CoreV1Api
    namespace: str
    name: str

    async def read(self) -> tuple[Data, V1Secret]:
        """As `SecretStore`; found is the Secret itself, with its resourceVersion."""
        secret = await self._ask(
            self.api.read_namespaced_secret(
                self.name, self.namespace, _request_timeout=_API_SECONDS
            )
        )
        data = {key: base64.b64decode(value) for key, value in (secret.data or {}).items()}
        return data, secret

    async def write(self, data: Data, found: V1Secret) -> None:
        """As `SecretStore`. Whatever else the Secret has is kept."""
        coded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        found.data = {**(found.data or {}), **coded}
        await self._ask(
            self.api.replace_namespaced_secret(
                self.name, self.namespace, found, _request_timeout=_API_SECONDS
            )
        )

    async def _ask(self, request: Awaitable[_T]) -> _T:
        where = f"Secret {self.namespace}/{self.name}"
        try:
            return await request
        except ApiException as error:
            if error.status == 409:
                raise Conflict(where) from error
            raise CertificateUnavailable(f"{where}: {error.status} {error.reason}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise CertificateUnavailable(f"{where}: {type(error).__name__}: {error}") from error
