"""Building boto3 clients: settings in, client out. Nobody else knows botocore's options."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import StorageDenied

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

POOL = 128
"""Connections kept: for what many shards ask for at a time, and the files that are read beside."""
_CONNECT_SECONDS, _READ_SECONDS = 5, 60
_KEPT_SECONDS = 1.0
"""However many requests are refused, credentials are looked up once in that time: it takes a tenth
of a second of CPU."""


class Clients:
    """Clients of one store with common credentials, made at first use; they are thread-safe."""

    def __init__(self, settings: S3Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._since = clock()
        self._session: boto3.Session | None = None
        self._made: dict[str, S3Client] = {}

    def ours(self) -> "S3Client":
        """A client that sends every request once: the ledger knows what a retry means.

        Credentials come the usual AWS way: environment, profile, web identity, instance role.
        Raises StorageDenied if a named profile or CA bundle cannot be used.
        """
        return self._get("ours")

    def for_parts(self) -> "S3Client":
        """One more for s3transfer, which hooks into the events of the client that it is given."""
        return self._get("for parts")

    def renew(self) -> None:
        """The store has refused: let the next request look for credentials again.

        boto3 reads a shared file, or a profile in it, once a session: whoever renews it there would
        wait for us in vain. Requests under way keep the client that they have.
        """
        with self._lock:
            if self._clock() - self._since >= _KEPT_SECONDS:
                self._since, self._session = self._clock(), None
                self._made.clear()

    def _get(self, purpose: str) -> "S3Client":
        with self._lock:
            if purpose not in self._made:
                self._made[purpose] = self._make()
            return self._made[purpose]

    def _make(self) -> "S3Client":
        settings = self._settings
        try:
            session = self._session = self._session or boto3.Session(
                profile_name=settings.profile, region_name=settings.region
            )
            return session.client(
                "s3",
                region_name=session.region_name or "us-east-1",
                endpoint_url=settings.endpoint,
                verify=settings.ca_bundle,
                config=Config(**_options(settings)),
            )
        except (BotoCoreError, ValueError) as error:
            hint = ""
            if isinstance(error, ValueError) and "endpoint" in str(error).lower():
                hint = "; an endpoint begins with http:// or https://"
            raise StorageDenied(f"the S3 settings cannot be used: {error}{hint}") from error


def _options(settings: S3Settings) -> dict[str, Any]:
    # Stores other than AWS often reject the checksums that boto3 adds unasked; our records
    # carry a sha256 of every file in any case.
    checksums = settings.checksums or ("whenRequired" if settings.endpoint else "always")
    mode = "when_required" if checksums == "whenRequired" else "when_supported"
    return {
        "retries": {"total_max_attempts": 1, "mode": "standard"},
        "connect_timeout": _CONNECT_SECONDS,
        "read_timeout": _READ_SECONDS,
        "max_pool_connections": POOL,
        "tcp_keepalive": True,
        "s3": {"addressing_style": settings.addressing},
        "request_checksum_calculation": mode,
        "response_checksum_validation": mode,
    }
