"""Putting the operator together: one event loop, one process, everything under one supervisor."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from kubernetes.aio.client import ApiClient, CoreV1Api

from batchprocess_operator.apply.event_recorder import EventRecorder
from batchprocess_operator.controller.controller import Controller
from batchprocess_operator.controller.lanes import notifier_of
from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.controller.services import Services
from batchprocess_operator.controller.work_queue import WorkQueue
from batchprocess_operator.endpoint.certificate_secret import KubernetesSecret, Source, given, own
from batchprocess_operator.endpoint.certificates import names_of
from batchprocess_operator.endpoint.connections.bounds import Bounds
from batchprocess_operator.endpoint.handler import ReportHandler
from batchprocess_operator.endpoint.keys import Keyring, fetch_trust
from batchprocess_operator.endpoint.progress_endpoint import ProgressEndpoint
from batchprocess_operator.endpoint.progress_tracker import ProgressTracker
from batchprocess_operator.endpoint.tls import LiveCertificate
from batchprocess_operator.endpoint.tokens import Verifier
from batchprocess_operator.health import serve_health
from batchprocess_operator.kopf_process import run_until_stopped
from batchprocess_operator.kube import login
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.rate_limit import RateLimit
from batchprocess_operator.kube.server_clock import ServerClock
from batchprocess_operator.listen.descriptors import raise_limit
from batchprocess_operator.listen.pages import serve_pages
from batchprocess_operator.model.report_address import ReportAddress
from batchprocess_operator.notify.notifier import Notifier
from batchprocess_operator.page.serve import page_served
from batchprocess_operator.settings import OperatorSettings, SettingsError
from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.collections import collections
from batchprocess_operator.watch.intake import Intake
from batchprocess_operator.watch.lookups import Lookups
from batchprocess_operator.watch.pod_directory import PodDirectory
from batchprocess_operator.watch.relist import Relist
from batchprocess_operator.watch.served_schema import ServedSchema
from batchprocess_operator.watch.watching import Watch

_LOG = logging.getLogger(__name__)
_FORGET_SECONDS = 60.0
_ANY_ADDRESS = "0.0.0.0"  # noqa: S104  a pod's own address
_OTHER_DESCRIPTORS = 256
"""For requests to the API server, of which 100 may be under way, the pages, and what is open."""
ReportAddressSource = Callable[[], ReportAddress | None]


async def run_operator(settings: OperatorSettings) -> None:
    """Until a signal; raises what ended any of its parts."""
    async with login.client() as client, login.client(unbounded=True) as streams:
        await _Operator(settings, client, streams).run()


class _Operator:
    def __init__(self, settings: OperatorSettings, client: ApiClient, streams: ApiClient) -> None:
        self._settings, self._client, self._descriptors = settings, client, raise_limit()
        self._clock = asyncio.get_running_loop().time
        rate_limit = RateLimit(settings.requests_per_second, settings.request_burst, self._clock)
        # All ages are by it: those of pods and Jobs, and those of reports.
        self._time = ServerClock(self._clock, _utc_now)
        self._api = Api(client, rate_limit, self._time)
        self._cache, self._queue = JobCache(), WorkQueue(self._clock)
        self._directory = PodDirectory(self._cache)
        intake = Intake(self._cache, self._queue.add)
        self._metrics = Metrics(
            self._cache,
            lambda: intake.unreadable,
            overdue=self._queue.overdue,
            per_job=settings.metrics_per_job,
        )
        self._tracker = ProgressTracker(self._reported, self._directory.created, self._time.now)
        self._lookups = Lookups(self._api, self._clock)
        seen = collections(settings.namespaces or (None,))
        self._relist = Relist(self._api, self._cache, seen, intake)
        api = Api(streams, rate_limit, self._time)
        self._watches = [Watch(api, one, intake, self._relist.look, self._clock) for one in seen]

    async def run(self) -> None:
        """Everything in one group: what ends, ends all, and the process is started anew."""
        # Before the endpoint: pods are known when their first reports arrive, and an error here is
        # no part of a group, so that `main` can say it in a sentence.
        for watch in self._watches:
            await watch.begin_if_allowed()
        await self._relist.once(self._clock)
        async with (
            self._endpoint() as report_address,
            self._pages(report_address),
            notifier_of(self._settings, self._queue.add, self._metrics, self._clock) as notifier,
        ):
            controller = self._controller(report_address, notifier)
            async with asyncio.TaskGroup() as group:
                many = self._settings.concurrent_reconciles
                tasks = [group.create_task(controller.work()) for _ in range(many)]
                tasks += [group.create_task(work()) for work in notifier.workers()]
                tasks += [group.create_task(watch.run_forever()) for watch in self._watches]
                tasks.append(group.create_task(self._relist.run_forever(self._clock)))
                tasks.append(group.create_task(self._keep_tidy()))
                _LOG.info("running; %d jobs are known", len(self._cache.entries))
                try:
                    await run_until_stopped()
                finally:
                    for task in tasks:
                        task.cancel()

    def _reported(self, uid: str) -> None:
        self._metrics.reported()
        self._queue.add(uid)

    def _controller(self, report_address: ReportAddressSource, notifier: Notifier) -> Controller:
        services = Services(
            api=self._api,
            cache=self._cache,
            queue=self._queue,
            reports=self._tracker,
            lookups=self._lookups,
            served_schema=ServedSchema(self._api, self._clock),
            recorder=EventRecorder(self._api, self._clock),
            clock=self._clock,
            status_written=self._metrics.status_written,
            notifier=notifier,
        )
        return Controller(services, report_address, self._time.now, self._metrics)

    @asynccontextmanager
    async def _pages(self, report_address: ReportAddressSource) -> AsyncIterator[None]:
        """The probes' answers and the metrics, where they have addresses.

        That the liveness probe's comes is all that is asked: an API server that is away is no
        reason to begin anew. Ready is whoever can take reports: that is what the Service is for.
        """
        async with AsyncExitStack() as stack:
            if self._settings.health_address:
                host, _, port = self._settings.health_address.rpartition(":")
                at, ready = (host.strip("[]"), int(port)), self._ready(report_address)
                await stack.enter_async_context(serve_health(*at, self._facts, ready))
            if self._settings.metrics_port is not None:
                at = _ANY_ADDRESS, self._settings.metrics_port
                await stack.enter_async_context(serve_pages((self._metrics.page(),), *at))
            if self._settings.page_port is not None:
                known = self._cache, self._tracker, self._client, self._time
                at = self._settings.page_host, self._settings.page_port
                await stack.enter_async_context(page_served(*known, *at))
            yield

    def _ready(self, report_address: ReportAddressSource) -> Callable[[], bool]:
        return lambda: self._settings.progress_address is None or report_address() is not None

    def _facts(self) -> dict[str, float]:
        late, looked = self._queue.overdue(), self._clock() - self._relist.finished_at
        return {"overdueSeconds": round(late, 1), "secondsSinceFullLook": round(looked, 1)}

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(_FORGET_SECONDS)
            self._lookups.forget_old()

    @asynccontextmanager
    async def _endpoint(self) -> AsyncIterator[ReportAddressSource]:
        """The progress endpoint, if it has an address."""
        url = self._settings.progress_address
        if url is None:
            yield lambda: None
            return
        certificate = LiveCertificate(self._certificate_source(url))
        keys = Keyring(lambda: fetch_trust(self._client), self._clock)
        verifier = Verifier(keys, self._directory, self._time.now)
        self._metrics.watch_certificate(lambda: certificate.expires)
        answered = self._metrics.answered
        handler = ReportHandler(verifier, self._tracker, self._clock, answered=answered)
        host, port = self._settings.progress_host, self._settings.progress_port
        room = self._descriptors - _OTHER_DESCRIPTORS - len(self._watches)
        endpoint = ProgressEndpoint(
            certificate, handler, url, host, port, bounds=Bounds().within(room)
        )
        async with endpoint.running():
            yield endpoint.address

    def _certificate_source(self, url: str) -> Source:
        name, namespace = self._settings.progress_secret, self._settings.pod_namespace
        if name is None or namespace is None:
            raise SettingsError(
                "BATCHPROCESS_OPERATOR_PROGRESS_ADDRESS needs _PROGRESS_SECRET and _POD_NAMESPACE"
            )
        secret = KubernetesSecret(CoreV1Api(self._client), namespace, name)
        if self._settings.progress_secret_given:
            return given(secret)
        return own(secret, names_of(url), self._time.now)


def _utc_now() -> datetime:
    """Whole seconds, as Kubernetes writes its times."""
    return datetime.now(UTC).replace(microsecond=0)
