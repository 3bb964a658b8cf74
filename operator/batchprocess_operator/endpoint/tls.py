"""A TLS context that is live: it serves with the newest certificate, without a restart."""

import asyncio
import logging
import os
import ssl
from collections.abc import Awaitable, Callable

from cryptography import x509

from batchprocess_operator.endpoint.certificate_secret import CertificateUnavailable, Source
from batchprocess_operator.endpoint.certificates import CA_CERT, LEAF_CERT, LEAF_KEY

_LOG = logging.getLogger(__name__)
_CHECK_SECONDS = 3_600.0
MAX_CA = 65_536
"""Workers get it as an environment variable, and Linux starts none with one over 128 KiB."""


class LiveCertificate:
    """`context` serves with the newest leaf; `ca` is the PEM that new workers pin.

    Connections that are open keep the leaf they were made with; new ones get the new leaf.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._leaf: tuple[bytes, bytes] | None = None
        self.ca = ""
        self.expires = float("nan")
        """When the leaf ends, in seconds since 1970."""
        self.context = _context()

    async def refresh(self) -> None:
        """Read it once; must have succeeded once before `context` and `ca` are used."""
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
            self._leaf, self.expires = leaf, _end_of(leaf[0])
        try:
            self.ca = data[CA_CERT].decode()
        except UnicodeDecodeError as error:
            raise CertificateUnavailable(f"{CA_CERT} is not PEM") from error

    async def keep_fresh(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Read it every hour, for ever: a leaf is renewed a month before its end."""
        while True:
            await sleep(_CHECK_SECONDS)
            try:
                await self.refresh()
            except CertificateUnavailable as error:
                _LOG.warning("the progress endpoint keeps its old certificate: %s", error)


def _end_of(certificate: bytes) -> float:
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc.timestamp()


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
