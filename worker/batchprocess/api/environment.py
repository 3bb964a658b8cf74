"""From a job to what its workers are told. Used by the operator and by local runs. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.protocol.environment import (
    WITH_ROWS,
    InputSettings,
    S3Settings,
    WorkerEnvironment,
)
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.inputs.listing import run_address, run_name
from batchprocess.protocol.json_values import check_readable
from batchprocess.protocol.rows.settings import RowSettings

MAX_HPARAMS = 100 * 1024
"""Linux starts no process with a longer variable than 128 KiB; the API server can't count it."""


def worker_environment(job: BatchProcessJob, *, run_uri: str, job_id: str) -> WorkerEnvironment:
    """The template for every worker of `job`; `run_uri` ends in job name and run id.

    Raises InvalidArgument for hparams that do not fit into an environment variable, or that are
    nested too deep for a run's documents.
    """
    spec = job.spec
    check_hparams(spec.hparams)
    rows = _rows(job, run_uri)
    return WorkerEnvironment(
        protocol=1 if rows is None else WITH_ROWS,
        job=job_id,
        job_name=job.metadata.name,
        run_uri=run_uri,
        shards=spec.shards,
        retry=spec.retry,
        processes_per_worker=spec.worker.processes_per_worker,
        gpus=spec.worker.gpus,
        batch_size=spec.batch_size,
        checkpoint_interval=spec.checkpoint_interval,
        checkpoint_seconds=spec.checkpoint_seconds,
        max_batches=spec.max_batches,
        max_in_flight=spec.max_in_flight,
        processor=spec.processor,
        dataset=spec.dataset,
        input=_input(job),
        rows=rows,
        command=hashlib.sha256(json.dumps(spec.command).encode()).hexdigest(),
        dataloader=spec.dataloader.model_dump(exclude_unset=True),
        hparams=spec.hparams,
        seed=spec.seed,
        s3=s3_settings(job),
        delta_log=spec.output.delta,
        on_bad_row=spec.failure_policy.on_bad_row,
        max_bad_rows=_text(spec.failure_policy.max_bad_rows),
        storage_deadline_seconds=spec.storage.deadline_seconds,
        max_attempts_without_progress=spec.failure_policy.max_attempts_without_progress,
        max_retries_per_shard=spec.failure_policy.max_retries_per_shard,
        max_failed_shards=spec.failure_policy.max_failed_shards,
        start_seconds=spec.timeouts.start_seconds,
        stall_seconds=spec.timeouts.stall_seconds,
        source_on_change="tell" if spec.source is None else spec.source.on_change,
        profile=spec.profile,
        compile_cache=spec.compile_cache,
    )


def _text(given: int | str | None) -> str | None:
    return None if given is None else str(given)


def _input(job: BatchProcessJob) -> InputSettings | None:
    given = job.spec.input
    if given is None:
        return None
    columns = None if given.columns is None else tuple(given.columns)
    return InputSettings(
        uri=given.uri,
        format=given.format,
        columns=columns,
        id=given.id,
        new_since=given.new_since,
    )


def _rows(job: BatchProcessJob, run_uri: str) -> RowSettings | None:
    """None where all are wanted: only then may a worker start that knows of nothing else."""
    given = job.spec.rows
    other = given.bad_rows_of
    if other is not None:
        other = run_name(run_address(other, run_uri, "rows.badRowsOf"), run_uri)
    if other is None and not given.skip:
        return None
    return RowSettings(bad_rows_of=other, skip=tuple(sorted(set(given.skip))))


def check_hparams(hparams: Mapping[str, Any]) -> None:
    """Raise InvalidArgument for hparams that no worker of this or any other release is given."""
    try:
        check_readable(hparams)
    except ValueError as error:
        raise InvalidArgument(f"spec.hparams cannot be kept with a run: {error}") from error
    check_hparams_size(len(json.dumps(hparams, default=str)))


def check_hparams_size(size: int) -> None:
    """Raise InvalidArgument for hparams of so many bytes as JSON, if these are too many."""
    if size > MAX_HPARAMS:
        raise InvalidArgument(
            f"spec.hparams has {size} bytes as JSON and may have {MAX_HPARAMS}: put large settings "
            "into a file beside your code"
        )


def s3_settings(job: BatchProcessJob) -> S3Settings:
    """The store's settings; credentials never travel this way."""
    s3 = job.spec.output.s3
    return S3Settings(
        endpoint=s3.endpoint, region=s3.region, addressing=s3.addressing, checksums=s3.checksums
    )
