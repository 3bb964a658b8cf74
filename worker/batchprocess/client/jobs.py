"""The jobs of a namespace: what a pipeline begins with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.status import Status
from batchprocess.client.cluster_job import CANCEL_SECONDS, ClusterJob
from batchprocess.client.logs.log_lines import LogLine
from batchprocess.client.names import check_job_name
from batchprocess.client.planning.plan_once import plan_once
from batchprocess.client.server.connection import Connection, connect
from batchprocess.client.source.source_files import read_source
from batchprocess.client.submitting import create_with_source, manifest, new_request_id
from batchprocess.kube.paths import job_object, job_objects
from batchprocess.protocol.dry_run import DryRunAnswer


class Jobs:
    """Jobs of a namespace of a cluster. Threads may share it.

    namespace: by default the one that the context means. context: of the kubeconfig; by default
    its current one. In a pod without a kubeconfig it is the pod's own cluster, account and
    namespace. connection: in place of all these.

    Raises NotConfigured. Every method raises Denied and Unavailable, the latter after half a
    minute without an answer.
    """

    def __init__(
        self,
        namespace: str | None = None,
        context: str | None = None,
        *,
        connection: Connection | None = None,
    ) -> None:
        self._connection = connect(namespace, context) if connection is None else connection

    @property
    def namespace(self) -> str:
        """The namespace that is meant."""
        return self._connection.namespace

    def submit(
        self,
        job: BatchProcessJob | Mapping[str, Any],
        *,
        request_id: str | None = None,
        source: str | Path | None = None,
    ) -> ClusterJob:
        """Create the job; the one that this very request has created, if it was sent before.

        job: a model, or a mapping as in a job file; its own namespace counts, if it names one.
        request_id: 1 to 256 characters that name this request, such as a pipeline's run and task:
        who submits again with the same one is given the same job. Default: a new one.
        source: a folder of code, at most 1 MiB, which becomes a ConfigMap that goes with the job.

        Raises InvalidArgument, Rejected, AlreadyExists.
        """
        request = new_request_id() if request_id is None else request_id
        body = manifest(job, self.namespace, request)
        files = None if source is None else read_source(Path(source))
        return self._of(create_with_source(self._connection, body, files).raw)

    def plan(
        self,
        job: BatchProcessJob | Mapping[str, Any],
        *,
        source: str | Path | None = None,
        notice: Callable[[str], object] = lambda _: None,
    ) -> DryRunAnswer:
        """What the job would do, found out in a pod like its workers' but without GPUs.

        The address of the outputs is tried, the code is imported, rows, batches and shards are
        counted; nothing is created but a Job and, with `source`, a ConfigMap, and both are gone on
        return. notice: told in a sentence while the pod cannot start.

        Raises PlanFailed, whose `code` a worker would end with, and as `submit` does.
        """
        request = new_request_id()
        body = manifest(job, self.namespace, request)
        files = None if source is None else read_source(Path(source))
        return plan_once(self._connection, body, files, request[:8], notice)

    def get(self, name: str) -> ClusterJob:
        """The job of this name. Raises NotFound, InvalidArgument."""
        return self._of(self._connection.get(job_object(self.namespace, check_job_name(name))))

    def list(self, selector: str | None = None) -> Iterator[ClusterJob]:
        """All jobs, in the order of their names. selector: of labels, as `team=vision`."""
        for raw in self._connection.pages(job_objects(self.namespace), selector):
            yield self._of(raw)

    def watch(self, name: str, timeout: float | None = None) -> Iterator[Status]:
        """See `ClusterJob.watch`."""
        return self.get(name).watch(timeout)

    def wait(self, name: str, timeout: float | None = None) -> ClusterJob:
        """See `ClusterJob.wait`."""
        return self.get(name).wait(timeout)

    def logs(
        self,
        name: str,
        *,
        follow: bool = False,
        shards: Sequence[int] | None = None,
        tail: int | None = None,
    ) -> Iterator[LogLine]:
        """See `ClusterJob.logs`."""
        return self.get(name).logs(follow=follow, shards=shards, tail=tail)

    def suspend(self, name: str) -> ClusterJob:
        """See `ClusterJob.suspend`."""
        return self.get(name).suspend()

    def resume(self, name: str) -> ClusterJob:
        """See `ClusterJob.resume`."""
        return self.get(name).resume()

    def retry(self, name: str) -> ClusterJob:
        """See `ClusterJob.retry`."""
        return self.get(name).retry()

    def cancel(self, name: str, timeout: float = CANCEL_SECONDS) -> ClusterJob:
        """See `ClusterJob.cancel`."""
        return self.get(name).cancel(timeout)

    def delete(self, name: str) -> None:
        """See `ClusterJob.delete`. Raises NotFound."""
        self.get(name).delete()

    def _of(self, raw: Mapping[str, Any]) -> ClusterJob:
        return ClusterJob(raw, self._connection)
