"""`batchprocess submit`."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchprocess.api.load_yaml import load_job
from batchprocess.api.yaml_text import MAX_BYTES, parse
from batchprocess.cli.cluster.objects import Form, print_object
from batchprocess.cli.cluster.plan_first import plan_first
from batchprocess.cli.cluster.watch import watch_to_the_end
from batchprocess.cli.job_file import read_text
from batchprocess.client import ClusterJob, Jobs
from batchprocess.protocol.errors import InvalidArgument


@dataclass(frozen=True)
class Wanted:
    """What is asked of a submission beside its file."""

    wait: bool = False
    request_id: str | None = None
    source: Path | None = None
    plan: bool = False
    yes: bool = False
    form: Form | None = None


def submit_job(path: Path, wanted: Wanted, *, namespace: str | None, context: str | None) -> int:
    """Create the job; returns 0, or the job's exit code if it is waited for."""
    given = read_manifest(path)
    jobs = Jobs(namespace, context)
    _refuse_another_namespace(given, namespace)
    if wanted.plan:
        code = plan_first(jobs, given, wanted.source, ask=not wanted.yes)
        if code is not None:
            return code
    job = jobs.submit(given, request_id=wanted.request_id, source=wanted.source)
    _print(job, wanted.form)
    return watch_to_the_end(job) if wanted.wait else 0


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
