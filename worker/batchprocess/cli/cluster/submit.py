"""`batchprocess submit`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchprocess.api.load_yaml import load_job
from batchprocess.api.yaml_text import MAX_BYTES, parse
from batchprocess.cli.cluster.objects import Form, print_object
from batchprocess.cli.cluster.watch import watch_to_the_end
from batchprocess.cli.job_file import read_text
from batchprocess.client import ClusterJob, Jobs
from batchprocess.protocol.errors import InvalidArgument


def submit_job(
    path: Path,
    *,
    wait: bool,
    request_id: str | None,
    namespace: str | None,
    context: str | None,
    form: Form | None,
) -> int:
    """Create the job; returns 0, or the job's exit code if it is waited for."""
    given = read_manifest(path)
    jobs = Jobs(namespace, context)
    _refuse_another_namespace(given, namespace)
    job = jobs.submit(given, request_id=request_id)
    _print(job, form)
    return watch_to_the_end(job) if wait else 0


def read_manifest(path: Path) -> dict[str, Any]:
    """The whole object of a job file, labels and annotations too, once all of it is checked."""
    if str(path) == "-":
        source, text = "stdin", sys.stdin.read(MAX_BYTES + 1)
    else:
        source, text = str(path), read_text(path)
    load_job(text, source)
    made: dict[str, Any] = parse(text, source)[1]
    return made


def _refuse_another_namespace(given: Mapping[str, Any], namespace: str | None) -> None:
    own = given["metadata"].get("namespace")
    if namespace is not None and own not in (None, namespace):
        raise InvalidArgument(
            f"metadata.namespace of the file is {own!r} and --namespace is {namespace!r}: "
            "leave one of them out"
        )


def _print(job: ClusterJob, form: Form | None) -> None:
    if form is None:
        print(f"{job.name}: submitted to namespace {job.namespace}")
    else:
        print_object(job.raw, form)
