"""A job's states one after the other, over broken connections and servers that restart."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from batchprocess.client.errors import Changed, NotFound, Unavailable, WaitedTooLong
from batchprocess.client.server.answers import Expired, error_of
from batchprocess.client.server.connection import BACKOFF, Connection
from batchprocess.client.server.lines import whole_lines
from batchprocess.client.server.transport import decoded
from batchprocess.client.snapshot import Snapshot
from batchprocess.kube.pages import MAX_ANSWER
from batchprocess.kube.paths import job_object, job_objects
from batchprocess.kube.requests import get, watch

WATCH_SECONDS = 240
SILENT_SECONDS = 270.0
"""A watch ends by itself before; one that does not is dead."""
PAUSE_SECONDS = 0.3
PATIENCE_SECONDS = 900.0
"""How long nobody may answer: an API server is upgraded in less."""


def snapshots(
    connection: Connection, job: Snapshot, timeout: float | None = None
) -> Iterator[Snapshot]:
    """The job as it is now, and then each time it has changed, without an end.

    Changes that follow one another fast are told as one. timeout: seconds after which
    WaitedTooLong is raised. Raises NotFound once the job is deleted, Changed if another one has
    its name, Unavailable if nobody answers for a quarter of an hour.
    """
    deadline = None if timeout is None else connection.clock() + timeout
    last, failures, silent_since = "", 0, connection.clock()
    while True:
        try:
            for seen in _until_broken(connection, job, deadline):
                failures, silent_since = 0, connection.clock()
                if seen.version != last:
                    last = seen.version
                    yield seen
        except Unavailable:
            failures += 1
            if connection.clock() - silent_since > PATIENCE_SECONDS:
                raise
        except Expired:
            failures += 1
        _check(connection, job, deadline, timeout)
        # At least a little: what ends each watch at once must not be asked without a pause.
        connection.sleep(PAUSE_SECONDS + BACKOFF.jittered(max(failures, 1), connection.draw))


def _check(
    connection: Connection, job: Snapshot, deadline: float | None, timeout: float | None
) -> None:
    if deadline is not None and connection.clock() >= deadline:
        raise WaitedTooLong(f"{job.name} has not ended within {timeout:g} s; it goes on")


def _until_broken(
    connection: Connection, job: Snapshot, deadline: float | None
) -> Iterator[Snapshot]:
    """What is stored now, and then what a watch tells until it ends."""
    path = job_object(job.namespace, job.name)
    seen = _same(job, decoded(connection.transport.text(get(path))))
    yield seen
    left = WATCH_SECONDS if deadline is None else deadline - connection.clock()
    seconds = max(1, min(WATCH_SECONDS, int(left)))
    query = {"fieldSelector": f"metadata.name={job.name}"}
    request = watch(job_objects(job.namespace), seen.version, seconds, query)
    silence = seconds + SILENT_SECONDS - WATCH_SECONDS
    with connection.transport.stream(request, silence) as stream:
        for event in _events(stream):
            yield _same(job, event)


def _events(stream: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of a watch's lines."""
    try:
        for line in whole_lines(stream, MAX_ANSWER):
            event = json.loads(line)
            kind, body = event["type"], event["object"]
            if kind == "ERROR":
                raise error_of(int(body.get("code") or 500), "watch", json.dumps(body).encode())
            if kind == "DELETED":
                raise NotFound(f"{body['metadata']['name']} was deleted")
            if kind != "BOOKMARK":
                yield body
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unavailable(f"the watch told what is no event: {error}") from error


def _same(job: Snapshot, raw: Mapping[str, Any]) -> Snapshot:
    seen = Snapshot(raw)
    if seen.uid != job.uid:
        raise Changed(f"{job.name} was deleted, and another job has its name now")
    return seen
