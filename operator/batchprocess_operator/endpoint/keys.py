"""The cluster's public keys for service account tokens: fetched seldom, used for every report."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import jwt
from kubernetes.aio.client import ApiClient, OpenidApi, WellKnownApi

from batchprocess_operator.kube.bounded_read import TooLarge, read_at_most

_LOG = logging.getLogger(__name__)
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"})
"""What API servers sign with. No symmetric one: a public key must never serve as a secret."""
_RETRY_SECONDS = 10.0
_MAX_AGE = 3_600.0
_FETCH_SECONDS = 5.0
_MAX_DOCUMENT = 1 << 20


class KeysUnavailable(Exception):
    """The API server did not answer with its keys, or with none that can be used."""


@dataclass(frozen=True)
class Trust:
    """Whose tokens are believed: the issuer's name, and its keys by `kid`."""

    issuer: str
    keys: Mapping[str, jwt.PyJWK]

    @classmethod
    def read(cls, configuration: bytes, key_set: bytes) -> Self:
        """From the two documents of OpenID discovery. KeysUnavailable if they do not say it."""
        try:
            issuer = json.loads(configuration)["issuer"]
            keys = {
                key.key_id: key
                for key in jwt.PyJWKSet.from_json(key_set.decode())
                if key.key_id is not None and key.algorithm_name in ALGORITHMS
            }
        except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
            raise KeysUnavailable(f"its discovery documents cannot be read: {error!r}") from error
        if not isinstance(issuer, str) or not keys:
            raise KeysUnavailable("its discovery documents have no issuer or no usable key")
        return cls(issuer, keys)


class Keyring:
    """Knows the keys; asks for them again when a token names one that it doesn't know.

    Not more often than every ten seconds, whatever tokens say; and every hour, so that a key that
    the cluster has withdrawn is not believed for ever. `clock` in seconds, never going back.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Trust]], clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._trust: Trust | None = None
        self._asked: float | None = None
        self._read = 0.0
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> tuple[str, jwt.PyJWK | None]:
        """The issuer, and the key if there is one. KeysUnavailable if we never got any."""
        known = self._trust is not None and kid in self._trust.keys
        # A known key never waits for somebody else's fetch.
        if not self._fresh(kid) and not (known and self._lock.locked()):
            async with self._lock:
                if not self._fresh(kid) and self._may_ask():
                    await self._refresh()
        if self._trust is None:
            raise KeysUnavailable("the API server has not told its keys yet")
        return self._trust.issuer, self._trust.keys.get(kid)

    def _fresh(self, kid: str) -> bool:
        young = self._clock() - self._read < _MAX_AGE
        return self._trust is not None and kid in self._trust.keys and young

    def _may_ask(self) -> bool:
        return self._asked is None or self._clock() - self._asked >= _RETRY_SECONDS

    async def _refresh(self) -> None:
        # Counted before the answer: a server that hangs must not be asked more often than one
        # that answers.
        self._asked = self._clock()
        try:
            self._trust = await self._fetch()
        except KeysUnavailable as error:
            # The old keys stay: reports go on while the API server restarts.
            _LOG.warning("the API server's token keys could not be read: %s", error)
        else:
            self._read = self._clock()


async def fetch_trust(client: ApiClient) -> Trust:
    """Ask the API server. Any service account may read both documents."""
    try:
        async with asyncio.timeout(_FETCH_SECONDS):
            configuration = await _body(
                WellKnownApi(
                    client
                ).get_service_account_issuer_open_id_configuration_without_preload_content()
            )
            key_set = await _body(
                OpenidApi(
                    client
                ).get_service_account_issuer_open_id_keyset_without_preload_content()
            )
    except (aiohttp.ClientError, OSError) as error:
        raise KeysUnavailable(f"{type(error).__name__}: {error}") from error
    return Trust.read(configuration, key_set)


async def _body(request: Awaitable[Any]) -> bytes:
    # Raw, because the generated client would turn the JSON object into Python's spelling of it.
    response: aiohttp.ClientResponse = await request
    async with response:
        if response.status != 200:
            raise KeysUnavailable(f"{response.url.path} answered {response.status}")
        try:
            return await read_at_most(response, _MAX_DOCUMENT)
        except TooLarge as error:
            raise KeysUnavailable(f"{response.url.path} answered {error}") from error
