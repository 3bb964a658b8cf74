"""`batchprocess logs`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from batchprocess.cli.cluster.job_text import end
from batchprocess.client import ClusterJob, Jobs
from batchprocess.client.logs.last_words import LAST_LINES, MAX_FAILED
from batchprocess.client.logs.log_lines import LogLine
from batchprocess.protocol.errors import InvalidArgument


@dataclass(frozen=True)
class Wanted:
    """Which lines, and how. `tail`: only so many last lines of each pod; `shards`: all if none."""

    follow: bool = False
    failed: bool = False
    shards: Sequence[int] = ()
    tail: int | None = None
    timestamps: bool = False


def print_logs(name: str, wanted: Wanted, *, namespace: str | None, context: str | None) -> None:
    """All lines on stdout, as they come; what cannot be shown is said on stderr."""
    if wanted.failed and wanted.follow:
        raise InvalidArgument("--failed and --follow are not given together: those have ended")
    job = Jobs(namespace, context).get(name)
    if wanted.failed:
        _print_failed(job, wanted)
        return
    shards = wanted.shards or None
    lines = job.logs(follow=wanted.follow, shards=shards, tail=wanted.tail, notice=_notice)
    try:
        for line in lines:
            print(_text(line, wanted), flush=wanted.follow)
    except KeyboardInterrupt:
        # How one leaves what is followed; the job goes on.
        return


def _print_failed(job: ClusterJob, wanted: Wanted) -> None:
    tail = LAST_LINES if wanted.tail is None else wanted.tail
    found = list(job.last_words(shards=wanted.shards or None, tail=tail))
    for words in found:
        said = f": {words.pod.message}" if words.pod.message else ""
        print(f"[{words.pod.label}] exit code {words.pod.code}{said}")
        for line in words.lines:
            print(f"  {_text(line, wanted)}")
    if len(found) == MAX_FAILED:
        _notice(f"these are the first {MAX_FAILED}; choose others with --shard")
    if not found:
        _notice("no pod that is still there has failed without another making it good")
        if job.ended:
            _notice(end(job.name, job.status))


def _text(line: LogLine, wanted: Wanted) -> str:
    return (
        f"{line.time.isoformat(timespec='milliseconds')} {line}" if wanted.timestamps else str(line)
    )


def _notice(text: str) -> None:
    print(text, file=sys.stderr)
