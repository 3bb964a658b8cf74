"""Putting the operator together: one event loop, one process, everything under one supervisor."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import kopf
from kubernetes.aio.client import ApiClient, CoreV1Api

from batchprocess_operator.apply.event_recorder import EventRecorder
from batchprocess_operator.controller.controller import Controller
from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.controller.services import Services
from batchprocess_operator.controller.work_queue import WorkQueue
from batchprocess_operator.endpoint.certificate_secret import KubernetesSecret, Source, given, own
from batchprocess_operator.endpoint.certificates import names_of
from batchprocess_operator.endpoint.handler import ReportHandler
from batchprocess_operator.endpoint.keys import Keyring, fetch_trust
from batchprocess_operator.endpoint.listener import serve
from batchprocess_operator.endpoint.progress_tracker import ProgressTracker
from batchprocess_operator.endpoint.tls import LiveCertificate
from batchprocess_operator.endpoint.tokens import Verifier
from batchprocess_operator.kube import login
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.rate_limit import RateLimit
from batchprocess_operator.model.names import FIELD_MANAGER
from batchprocess_operator.model.report_address import ReportAddress
from batchprocess_operator.settings import OperatorSettings, SettingsError
from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.kopf_watch import watch_settings, watching
from batchprocess_operator.watch.lookups import Lookups
from batchprocess_operator.watch.pod_directory import PodDirectory
from batchprocess_operator.watch.relist import Relist

_LOG = logging.getLogger(__name__)
_LATE_SECONDS = 120.0
_FORGET_SECONDS = 60.0
ReportAddressSource = Callable[[], ReportAddress | None]


async def run_operator(settings: OperatorSettings) -> None:
    """Until a signal; raises what ended any of its parts."""
    async with login.client() as client:
        await _Operator(settings, client).run()


class _Operator:
    def __init__(self, settings: OperatorSettings, client: ApiClient) -> None:
        self._settings, self._client = settings, client
        self._clock = asyncio.get_running_loop().time
        rate_limit = RateLimit(settings.requests_per_second, settings.request_burst, self._clock)
        self._api = Api(client, rate_limit)
        self._cache, self._queue = JobCache(), WorkQueue(self._clock)
        self._directory = PodDirectory(self._cache)
        self._metrics = Metrics(self._cache)
        self._tracker = ProgressTracker(self._reported, self._directory.created, _utc_now)
        self._lookups = Lookups(self._api, self._clock)
        self._relist = Relist(
            self._api, self._cache, settings.namespaces or (None,), self._queue.add
        )

    async def run(self) -> None:
        """Everything in one group: what ends, ends all, and the process is started anew."""
        if self._settings.metrics_port is not None:
            self._metrics.serve(self._settings.metrics_port)
        # Before the endpoint: pods are known when their first reports arrive, and an error here is
        # no part of a group, so that `main` can say it in a sentence.
        await self._relist.once(self._clock)
        async with self._endpoint() as report_address:
            controller = self._controller(report_address)
            async with asyncio.TaskGroup() as group:
                many = self._settings.concurrent_reconciles
                tasks = [group.create_task(controller.work()) for _ in range(many)]
                tasks.append(group.create_task(self._relist.run_forever(self._clock)))
                tasks.append(group.create_task(self._keep_tidy()))
                _LOG.info("running; %d jobs are known", len(self._cache.entries))
                try:
                    await self._watch()
                finally:
                    for task in tasks:
                        task.cancel()

    def _reported(self, uid: str) -> None:
        self._metrics.reported()
        self._queue.add(uid)

    def _controller(self, report_address: ReportAddressSource) -> Controller:
        services = Services(
            api=self._api,
            cache=self._cache,
            queue=self._queue,
            reports=self._tracker,
            lookups=self._lookups,
            recorder=EventRecorder(self._api, self._clock),
            clock=self._clock,
        )
        return Controller(services, report_address, _utc_now, self._metrics)

    async def _watch(self) -> None:
        """Kopf, until a signal or its own end."""
        health = self._settings.health_address
        await kopf.operator(
            # Kopf would ask the user database, which has no entry for a container's plain number.
            identity=FIELD_MANAGER,  # type: ignore[arg-type]
            registry=watching(self._cache, self._queue.add, self._health),
            settings=watch_settings(),
            standalone=True,
            clusterwide=not self._settings.namespaces,
            namespaces=self._settings.namespaces,
            liveness_endpoint=f"http://{health}/healthz" if health else None,
        )

    def _health(self) -> dict[str, float]:
        """For the liveness probe; raises when we are of no use any more."""
        late, looked = self._queue.overdue(), self._clock() - self._relist.finished_at
        if late > _LATE_SECONDS:
            raise RuntimeError(f"a job has been waiting to be looked at for {late:.0f} s")
        return {"overdueSeconds": round(late, 1), "secondsSinceFullLook": round(looked, 1)}

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(_FORGET_SECONDS)
            self._lookups.forget_old()

    @asynccontextmanager
    async def _endpoint(self) -> AsyncIterator[ReportAddressSource]:
        """The progress endpoint, if it has an address. Its CA changes with the certificate."""
        url = self._settings.progress_address
        if url is None:
            yield lambda: None
            return
        certificate = LiveCertificate(self._certificate_source(url))
        await certificate.refresh()
        keys = Keyring(lambda: fetch_trust(self._client), self._clock)
        handler = ReportHandler(Verifier(keys, self._directory), self._tracker, self._clock)
        host, port = self._settings.progress_host, self._settings.progress_port
        async with asyncio.TaskGroup() as group:
            renewal = group.create_task(certificate.keep_fresh())
            try:
                async with serve(handler, host, port, certificate.context) as bound:
                    _LOG.info("progress endpoint on %s:%d, for workers at %s", host, bound, url)
                    yield lambda: ReportAddress(url, certificate.ca)
            finally:
                renewal.cancel()

    def _certificate_source(self, url: str) -> Source:
        name, namespace = self._settings.progress_secret, self._settings.pod_namespace
        if name is None or namespace is None:
            raise SettingsError(
                "BATCHPROCESS_OPERATOR_PROGRESS_ADDRESS needs _PROGRESS_SECRET and _POD_NAMESPACE"
            )
        secret = KubernetesSecret(CoreV1Api(self._client), namespace, name)
        if self._settings.progress_secret_given:
            return given(secret)
        return own(secret, names_of(url), _utc_now)


def _utc_now() -> datetime:
    """Whole seconds, as Kubernetes writes its times."""
    return datetime.now(UTC).replace(microsecond=0)
