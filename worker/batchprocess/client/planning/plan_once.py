"""A plan with the ConfigMap that its pod needs, both of which are gone afterwards."""

from collections.abc import Callable
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.client.planning.run_plan import run_plan
from batchprocess.client.server.connection import Connection
from batchprocess.client.source.config_map import put, take_back
from batchprocess.client.source.source_files import SourceFiles
from batchprocess.client.submitting import add_source
from batchprocess.protocol.dry_run import DryRunAnswer
from batchprocess.protocol.errors import InvalidArgument


def plan_once(
    connection: Connection,
    body: dict[str, Any],
    source: SourceFiles | None,
    suffix: str,
    notice: Callable[[str], object],
) -> DryRunAnswer:
    """What `run_plan` gives of the object `body`.

    Raises InvalidArgument for a job that no cluster would take: without an image or an address.
    """
    wanted = None if source is None else add_source(body, source)
    job = BatchProcessJob.model_validate(body)
    if job.spec.image is None or job.spec.output.uri is None:
        raise InvalidArgument("spec.image and spec.output.uri are required on a cluster")
    namespace = str(body["metadata"]["namespace"])
    found, made = (None, False) if wanted is None else put(connection, wanted)
    try:
        return run_plan(connection, job, namespace, suffix, notice)
    finally:
        # One that was there is another job's.
        if made and found is not None:
            take_back(connection, found)
