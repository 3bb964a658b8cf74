"""The certificate where it lives: one Secret that operators share, and a live TLS context."""

import asyncio
import base64
import logging
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import aiohttp
from kubernetes.aio.client import ApiException, CoreV1Api, V1Secret

from batchprocess_operator.endpoint.certificates import CA_CERT, LEAF_CERT, LEAF_KEY, renewed

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_TRIES = 5
_CHECK_SECONDS = 3_600.0
_API_SECONDS = 10.0
MAX_CA = 65_536
"""Workers get it as an environment variable, and Linux starts none with one over 128 KiB."""

Data = Mapping[str, bytes]
Source = Callable[[], Awaitable[Data]]
"""Gives the data to serve with; CertificateUnavailable if there is none now."""


class CertificateUnavailable(Exception):
    """The Secret could not be read or written, or does not hold what it must."""


class Conflict(Exception):
    """Somebody else has written the Secret since it was read."""


class Shelf(Protocol):
    """Where the Secret's data lies. Both raise CertificateUnavailable if they cannot be done."""

    async def read(self) -> tuple[Data, Any]:
        """The data, and what `write` needs to see whether it is still that."""

    async def write(self, data: Data, found: Any) -> None:
        """Replace what was found, or Conflict if it is not what is there now."""


class LiveCertificate:
    """`context` serves with the newest leaf; `ca` is the PEM that new workers are told to pin.

    Connections that are open keep the leaf they were made with; new ones get the new leaf.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._leaf: tuple[bytes, bytes] | None = None
        self.ca = ""
        self.context = _context()

    async def refresh(self) -> None:
        """Look once; must have succeeded once before `context` and `ca` are used."""
        data = await self._source()
        missing = [name for name in (CA_CERT, LEAF_CERT, LEAF_KEY) if not data.get(name)]
        if missing:
            raise CertificateUnavailable(f"the Secret has no {missing[0]}")
        size = len(data[CA_CERT])
        if size > MAX_CA:
            raise CertificateUnavailable(
                f"{CA_CERT} has {size} bytes and may have {MAX_CA}: it must hold the CA that has "
                f"signed {LEAF_CERT}, not a bundle of all that are known"
            )
        leaf = (data[LEAF_CERT], data[LEAF_KEY])
        if leaf != self._leaf:
            try:
                # On a context of no use first: the live one must never hold half a pair.
                _load(_context(), *leaf)
            except (OSError, ValueError) as error:
                what = f"{LEAF_CERT} and {LEAF_KEY} cannot be used: {error}"
                raise CertificateUnavailable(what) from error
            _load(self.context, *leaf)
            self._leaf = leaf
        try:
            self.ca = data[CA_CERT].decode()
        except UnicodeDecodeError as error:
            raise CertificateUnavailable(f"{CA_CERT} is not PEM") from error

    async def keep_fresh(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look every hour, for ever: a leaf is renewed a month before its end."""
        while True:
            await sleep(_CHECK_SECONDS)
            try:
                await self.refresh()
            except CertificateUnavailable as error:
                _LOG.warning("the progress endpoint keeps its old certificate: %s", error)


def own(shelf: Shelf, names: Sequence[str], now: Callable[[], datetime]) -> Source:
    """A certificate that the operator makes and renews itself."""
    return lambda: ensure(shelf, names, now())


def given(shelf: Shelf) -> Source:
    """A certificate that somebody else makes and renews; it is never written."""

    async def read() -> Data:
        return (await shelf.read())[0]

    return read


async def ensure(shelf: Shelf, names: Sequence[str], now: datetime) -> Data:
    """The data to serve with; made, renewed or left as it is.

    Killed before the write: nothing has happened. Killed after it, or its answer lost: the next
    look finds good data and keeps it. Two operators at once: one write is refused, and its sender
    looks again and takes what the other one wrote, so both serve under one CA.
    """
    for _ in range(_TRIES):
        data, found = await shelf.read()
        wanted = renewed(data, names, now)
        if wanted is None:
            return data
        if data.get(CA_CERT) not in (None, b"", wanted[CA_CERT]):
            _LOG.warning(
                "the progress endpoint gets another CA: workers that run now trust the old one, "
                "and report nothing until they end"
            )
        try:
            await shelf.write(wanted, found)
        except Conflict:
            continue
        return wanted
    raise CertificateUnavailable(f"somebody else wrote it {_TRIES} times in a row")


@dataclass(frozen=True)
class SecretShelf:
    """One Secret of the operator's own namespace, made empty by the chart. Get and update only."""

    api: CoreV1Api
    namespace: str
    name: str

    async def read(self) -> tuple[Data, V1Secret]:
        """As `Shelf`; found is the Secret itself, with its resourceVersion."""
        secret = await self._ask(
            self.api.read_namespaced_secret(
                self.name, self.namespace, _request_timeout=_API_SECONDS
            )
        )
        data = {key: base64.b64decode(value) for key, value in (secret.data or {}).items()}
        return data, secret

    async def write(self, data: Data, found: V1Secret) -> None:
        """As `Shelf`. Whatever else the Secret has is kept."""
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


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """OpenSSL reads files only; this one is memory, so that no key ever lies on a disk."""
    descriptor = os.memfd_create("leaf")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(certificate + b"\n" + key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
