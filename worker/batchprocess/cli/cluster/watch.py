"""`batchprocess watch`: a job's states to its end."""

import json
import signal
import sys
from datetime import UTC, datetime

from batchprocess.cli.cluster.job_text import end
from batchprocess.cli.cluster.watch_view import open_watch_view
from batchprocess.client import ClusterJob, Jobs
from batchprocess.client.outcome import exit_code
from batchprocess.plain_text import plain


def watch_job(
    name: str, *, timeout: float | None, as_json: bool, namespace: str | None, context: str | None
) -> int:
    """Show the job to its end; returns its exit code."""
    job = Jobs(namespace, context).get(name)
    if as_json:
        return _print_statuses(job, timeout)
    return watch_to_the_end(job, timeout)


def watch_to_the_end(job: ClusterJob, timeout: float | None = None) -> int:
    """Bars or lines on stderr, at the end where the outputs are on stdout."""
    last = job
    view = open_watch_view(sys.stderr, job.name, lambda: datetime.now(UTC))
    try:
        for seen in job.follow(timeout):
            last = seen
            view.update(last.status)
    except KeyboardInterrupt:
        view.close()
        return _left_alone(job)
    finally:
        view.close()
    return _ended(last)


def _ended(job: ClusterJob) -> int:
    print(end(job.name, job.status), file=sys.stderr)
    if job.status.output_uri:
        print(f"outputs: {plain(job.status.output_uri, 4096)}")
    return exit_code(job.status)


def _left_alone(job: ClusterJob) -> int:
    print(f"\n{job.name} goes on; batchprocess watch {job.name} shows it again", file=sys.stderr)
    return 128 + signal.SIGINT


def _print_statuses(job: ClusterJob, timeout: float | None) -> int:
    last = job
    try:
        for seen in job.follow(timeout):
            last = seen
            print(json.dumps(last.raw.get("status") or {}), flush=True)
    except KeyboardInterrupt:
        return _left_alone(job)
    return exit_code(last.status)
