"""The progress endpoint over its whole life: begun at the start, or as soon as it can be."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from batchprocess_operator.endpoint.certificate_secret import CertificateUnavailable
from batchprocess_operator.endpoint.connections.bounds import Bounds
from batchprocess_operator.endpoint.handler import ReportHandler
from batchprocess_operator.endpoint.listener import serve
from batchprocess_operator.endpoint.tls import LiveCertificate
from batchprocess_operator.model.report_address import ReportAddress

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 60.0


@dataclass
class ProgressEndpoint:
    """At `url` for workers, on `host` and `port` here.

    Without a certificate there is no endpoint, and all else goes on: reports only make numbers
    fresh. Somebody may have deleted its Secret.
    """

    certificate: LiveCertificate
    handler: ReportHandler
    url: str
    host: str
    port: int
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    bounds: Bounds = field(default_factory=Bounds)
    _ready: bool = field(default=False, init=False)

    def address(self) -> ReportAddress | None:
        """What workers of new Jobs are told. The CA changes with the certificate."""
        return ReportAddress(self.url, self.certificate.ca) if self._ready else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve while the block runs, from its beginning on if there is a certificate by then."""
        await self._try()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._run())
            try:
                yield
            finally:
                task.cancel()

    async def _run(self) -> None:
        while not self._ready:
            await self.sleep(_RETRY_SECONDS)
            await self._try()
        context = self.certificate.context
        async with serve(self.handler, self.host, self.port, context, self.bounds) as bound:
            _LOG.info("progress endpoint on %s:%d, for workers at %s", self.host, bound, self.url)
            await self.certificate.keep_fresh(self.sleep)

    async def _try(self) -> None:
        try:
            await self.certificate.refresh()
            self._ready = True
        except CertificateUnavailable as error:
            _LOG.warning("no progress endpoint until there is a certificate: %s", error)
