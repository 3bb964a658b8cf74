"""What the pods that are there have written so far, merged by time."""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from batchprocess.client.errors import NotFound, Rejected
from batchprocess.client.logs.log_lines import MAX_LINE, LogLine, log_line
from batchprocess.client.logs.log_pods import LogPod, log_pods
from batchprocess.client.server.connection import Connection
from batchprocess.client.server.lines import cut_lines
from batchprocess.client.server.transport import Stream
from batchprocess.client.snapshot import Snapshot
from batchprocess.kube.names import LABEL_JOB_UID, WORKER_CONTAINER
from batchprocess.kube.paths import pod_log, pods
from batchprocess.kube.requests import Object, get
from batchprocess.protocol.errors import InvalidArgument

MAX_STREAMS = 64
"""Logs that are read at once; of more pods those of the first shards come first."""
SILENT_SECONDS = 60.0
MAX_TAIL = 100_000


def read_pods(
    connection: Connection, job: Snapshot, shards: Sequence[int] | None = None
) -> list[LogPod]:
    """The job's pods that are there; only those of `shards`, if these are given."""
    return chosen(log_pods(raw_pods(connection, job), job), shards)


def raw_pods(connection: Connection, job: Snapshot) -> Iterator[Object]:
    """All pods of the job that are there."""
    return connection.pages(pods(job.namespace), f"{LABEL_JOB_UID}={job.uid}")


def chosen(found: Sequence[LogPod], shards: Sequence[int] | None) -> list[LogPod]:
    """Those that work on one of `shards`; all, if none are given."""
    return [one for one in found if shards is None or set(one.shards) & set(shards)]


def read_logs(
    connection: Connection, job: Snapshot, wanted: Sequence[LogPod], tail: int | None = None
) -> Iterator[LogLine]:
    """The lines of these pods in the order of time, of at most 64 pods at once.

    tail: only so many last lines of each. A pod that is gone by now, or whose container has not
    begun, has none.
    """
    begun = [pod for pod in wanted if pod.started or pod.ended]
    for first in range(0, len(begun), MAX_STREAMS):
        with ExitStack() as streams:
            yield from heapq.merge(
                *(
                    _lines(connection, streams, job, pod, tail)
                    for pod in begun[first : first + MAX_STREAMS]
                ),
                key=lambda line: line.time,
            )


def check_tail(tail: int | None) -> int | None:
    """The number. Raises InvalidArgument for one that is none of lines."""
    if tail is not None and not 1 <= tail <= MAX_TAIL:
        raise InvalidArgument(f"tail is {tail}, and must be 1 to {MAX_TAIL} lines")
    return tail


def query(
    *, follow: bool = False, tail: int | None = None, since: str | None = None
) -> dict[str, str]:
    """What is asked of a pod's log."""
    asked = {"container": WORKER_CONTAINER, "timestamps": "true"}
    asked |= {"follow": "true"} if follow else {}
    asked |= {"tailLines": str(tail)} if tail is not None else {}
    return asked | ({"sinceTime": since} if since is not None else {})


def lines_of(stream: Stream, pod: LogPod) -> Iterator[LogLine]:
    """The lines as they come."""
    line = None
    for text in cut_lines(stream, MAX_LINE):
        line = log_line(pod, text) if line is None else log_line(pod, text, line.time)
        yield line


def _lines(
    connection: Connection, streams: ExitStack, job: Snapshot, pod: LogPod, tail: int | None
) -> Iterator[LogLine]:
    path = pod_log(job.namespace, pod.name)
    asked = query(tail=tail)

    def opened() -> Stream:
        return streams.enter_context(connection.transport.stream(get(path, asked), SILENT_SECONDS))

    try:
        stream = connection.patiently(opened)
    except (NotFound, Rejected):
        return
    yield from lines_of(stream, pod)
