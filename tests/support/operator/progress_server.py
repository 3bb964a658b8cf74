"""The real endpoint in a thread of this process, for clients that block."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from batchprocess.protocol.progress import ProgressReport
from batchprocess_operator.endpoint.certificate_secret import own
from batchprocess_operator.endpoint.connections.bounds import Bounds
from batchprocess_operator.endpoint.handler import ReportHandler
from batchprocess_operator.endpoint.keys import Keyring
from batchprocess_operator.endpoint.limits import Limits
from batchprocess_operator.endpoint.listener import serve
from batchprocess_operator.endpoint.report_store import PodFacts, ReportStore
from batchprocess_operator.endpoint.tls import LiveCertificate
from batchprocess_operator.endpoint.tokens import Verifier
from batchprocess_operator.listen.meters import Rate
from support.operator.fake_issuer import FakeIssuer, utc_now
from support.operator.fake_pods import FakePods, FakeSecret

GENEROUS = Limits(pod=Rate(0.0001, 10_000))


@dataclass
class Arrivals:
    """Keeps reports as the operator does, and lets a test wait for one."""

    store: ReportStore = field(default_factory=ReportStore)
    taken: list[ProgressReport] = field(default_factory=list)
    some: threading.Event = field(default_factory=threading.Event)

    def record(self, pod: PodFacts, report: ProgressReport, now: float) -> None:
        self.store.record(pod, report, now)
        self.taken.append(report)
        self.some.set()


@dataclass
class ProgressServer:
    """A running endpoint with all that it was given."""

    issuer: FakeIssuer
    pods: FakePods
    arrivals: Arrivals
    secret: FakeSecret
    ca: str = ""
    port: int = 0
    answered: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@contextlib.contextmanager
def progress_server(
    limits: Limits | None = None,
    port: int = 0,
    secret: FakeSecret | None = None,
    bounds: Bounds | None = None,
) -> Iterator[ProgressServer]:
    """Serve on a free loopback port until the block ends."""
    made = ProgressServer(FakeIssuer(), FakePods(), Arrivals(), secret or FakeSecret())
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        handler = ReportHandler(
            Verifier(Keyring(made.issuer.fetch, time.monotonic), made.pods, utc_now),
            made.arrivals,
            time.monotonic,
            limits or Limits(),
            made.answered.append,
        )
        certificate = LiveCertificate(own(made.secret, ["127.0.0.1"], utc_now))
        await certificate.refresh()
        made.ca = certificate.ca
        async with serve(handler, "127.0.0.1", port, certificate.context, bounds) as got:
            made.port = got
            over = asyncio.Event()
            ready.set_result((asyncio.get_running_loop(), over))
            await over.wait()

    def main() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    thread = threading.Thread(target=main)
    thread.start()
    loop, over = ready.result(30)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
