"""`batchprocess plan`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from batchprocess.agent.children import resolve
from batchprocess.api.environment import s3_settings, worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.cli.main import print_json
from batchprocess.cli.run import command_of, note_ignored
from batchprocess.cli.target import job_uri, read_job
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.storage.factory import open_storage

_NO_JOB = "00000000T000000Z-plan"


def plan_job(path: Path, *, try_batch: bool, as_json: bool) -> int:
    """Validate, count, estimate and warn; returns the exit code."""
    job = read_job(path)
    note_ignored(job)
    counted = count(job, path, try_batch=try_batch)
    warnings = _warnings(job, path)
    seconds = _estimate(job, counted)
    if as_json:
        print_json({**counted, "estimatedSeconds": seconds, "warnings": warnings})
        return 0
    for name in ("rows", "batches", "shards", "batchSize"):
        print(f"{name}: {counted[name]}")
    if seconds is not None:
        workers = _workers(job)
        print(f"estimated: {seconds:.3g} s with {workers} at a time, start-up not counted")
    for warning in warnings:
        print(f"warning: {warning}")
    return 0


def count(job: BatchProcessJob, path: Path, *, try_batch: bool) -> dict[str, Any]:
    """Run the user's code in a process of its own up to where it would begin, and hear counts."""
    environment = worker_environment(job, run_uri=job_uri(job, path) + "/plan", job_id=_NO_JOB)
    environ = {
        **os.environ,
        **environment.model_copy(update={"shard": 0}).to_env(),
        "BATCHPROCESS_PLAN": "try" if try_batch else "count",
    }
    done = subprocess.run(
        resolve(command_of(job)),
        env=environ,
        cwd=path.absolute().parent,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        said = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise InvalidArgument(f"the job's code ended with exit code {done.returncode}: {said}")
    try:
        found: dict[str, Any] = json.loads(lines[-1])
    except ValueError as error:
        raise InvalidArgument(
            "the command ended without calling torch_batch_process; its last line was "
            f"{lines[-1]!r:.100}"
        ) from error
    return found


def _estimate(job: BatchProcessJob, counted: dict[str, Any]) -> float | None:
    each = counted["secondsPerBatch"]
    if each is None:
        return None
    return float(each * counted["batches"] / _workers(job))


def _workers(job: BatchProcessJob) -> int:
    return min(max(job.spec.parallelism, 1), job.spec.shards)


def _warnings(job: BatchProcessJob, path: Path) -> list[str]:
    storage = open_storage(job_uri(job, path), s3_settings(job))
    warnings = [f"the bucket's lifecycle would damage a run: {one}" for one in storage.dangers()]
    if job.spec.shards < 2 * job.spec.parallelism:
        warnings.append(
            f"{job.spec.shards} shards for {job.spec.parallelism} workers: with many more shards "
            "workers can come and go, and the last one is shorter"
        )
    if sys.platform != "linux":
        warnings.append("only Linux is tested")
    return warnings
