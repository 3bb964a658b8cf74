"""`batchprocess suspend`, `resume`, `retry` and `cancel`."""

import sys
from collections.abc import Sequence
from typing import Literal

from batchprocess.cli.cluster.job_text import done_and_total
from batchprocess.cli.cluster.objects import Form, print_object
from batchprocess.client import ClusterJob, Jobs
from batchprocess.plain_text import plain

Verb = Literal["suspend", "resume", "retry", "cancel"]


def change_jobs(
    verb: Verb,
    names: Sequence[str],
    *,
    namespace: str | None,
    context: str | None,
    form: Form | None,
) -> None:
    """Do it to each, in order; the first that refuses ends it, and what was done is printed."""
    jobs = Jobs(namespace, context)
    for name in names:
        done = _do(verb, jobs.get(name))
        if form is None:
            print(_told(verb, done))
        else:
            print_object(done.raw, form)


def _do(verb: Verb, job: ClusterJob) -> ClusterJob:
    match verb:
        case "suspend":
            return job.suspend()
        case "resume":
            return job.resume()
        case "retry":
            return job.retry()
        case "cancel":
            print(f"{job.name}: waiting until its pods have committed", file=sys.stderr)
            return job.cancel()


def _told(verb: Verb, job: ClusterJob) -> str:
    match verb:
        case "suspend":
            return f"{job.name}: suspended; its workers commit and stop"
        case "resume":
            return f"{job.name}: resumed"
        case "retry":
            return f"{job.name}: retry {job.asked_retry}"
        case "cancel":
            return _cancelled(job)


def _cancelled(job: ClusterJob) -> str:
    status = job.status
    if not status.output_uri:
        return f"{job.name}: cancelled before anything was begun"
    done, total = done_and_total(status)
    of = "" if total is None else f" of {total}"
    return plain(
        f"{job.name}: cancelled; at least {done}{of} batches stay in {status.output_uri}; "
        f"a job with spec.runId {status.run_id} goes on with them"
    )
