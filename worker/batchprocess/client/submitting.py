"""Creating a job once, whatever becomes of the answer."""

import uuid
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from batchprocess.api.job import BatchProcessJob
from batchprocess.client.errors import AlreadyExists, Denied, NotFound, Rejected, Unavailable
from batchprocess.client.names import check_namespace
from batchprocess.client.server.connection import Connection
from batchprocess.client.snapshot import Snapshot
from batchprocess.client.source.config_map import config_map_of, own, put, take_back
from batchprocess.client.source.source_files import SourceFiles
from batchprocess.kube.paths import job_object, job_objects
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.job_object import GROUP

ANNOTATION_REQUEST = f"{GROUP}/request-id"
"""Who has created the job with which call: only that call finds in it what it asked for."""
MAX_REQUEST_ID = 256


def new_request_id() -> str:
    """One that nobody else has."""
    return str(uuid.uuid4())


def manifest(
    job: BatchProcessJob | Mapping[str, Any], namespace: str, request_id: str
) -> dict[str, Any]:
    """The object to be created. Raises InvalidArgument for what is no job.

    namespace: where the job is to be, if it does not say so itself.
    """
    if not 0 < len(request_id) <= MAX_REQUEST_ID:
        raise InvalidArgument(
            f"request_id has {len(request_id)} characters, and must have 1 to {MAX_REQUEST_ID}"
        )
    if isinstance(job, BatchProcessJob):
        body = job.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"status"})
    else:
        body = deepcopy({key: value for key, value in job.items() if key != "status"})
        _check(body)
    meta = body["metadata"]
    meta["namespace"] = check_namespace(meta.get("namespace") or namespace)
    meta["annotations"] = {**(meta.get("annotations") or {}), ANNOTATION_REQUEST: request_id}
    return body


def _check(body: Mapping[str, Any]) -> None:
    try:
        BatchProcessJob.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the job"
        raise InvalidArgument(f"{where}: {first['msg'].removeprefix('Value error, ')}") from error


def create(connection: Connection, body: Mapping[str, Any]) -> Snapshot:
    """Create what `manifest` made; if the same request has created it before, it is that one.

    Raises AlreadyExists if another job has the name, Rejected, Denied, Unavailable.
    """
    meta = body["metadata"]
    collection = job_objects(meta["namespace"])

    def once() -> Snapshot:
        try:
            return Snapshot(connection.create(collection, body))
        except AlreadyExists:
            found = Snapshot(connection.get(job_object(meta["namespace"], meta["name"])))
            if request_of(found) == request_of(Snapshot(body)):
                return found
            raise

    try:
        # Asked again where the answer was lost: then it is there, and known for ours.
        return connection.patiently(once)
    except NotFound as error:
        if isinstance(error.__context__, AlreadyExists):
            raise Unavailable(f"{meta['name']} was deleted just now: submit it again") from error
        raise
    except AlreadyExists as error:
        raise AlreadyExists(
            f"{meta['namespace']} has a job {meta['name']} already: give this one another name, "
            "or delete that one (what it has written stays)"
        ) from error


def create_with_source(
    connection: Connection, body: dict[str, Any], source: SourceFiles | None
) -> Snapshot:
    """As `create`; with the ConfigMap of `source`, which is there before the job, and goes with it.

    Raises InvalidArgument if the job names another source. If we die in between, the ConfigMap
    stays, and is found by who submits the same again.
    """
    if source is None:
        return create(connection, body)
    wanted = add_source(body, source)
    found, made = put(connection, wanted)
    try:
        job = create(connection, body)
    except (Rejected, Denied, AlreadyExists):
        if made:
            take_back(connection, found)
        raise
    own(connection, job, wanted)
    return job


def add_source(body: dict[str, Any], source: SourceFiles) -> dict[str, Any]:
    """Have the job use the ConfigMap of `source`, which is what comes back.

    Raises InvalidArgument if it names another one.
    """
    if body["spec"].get("source"):
        raise InvalidArgument("the job has a spec.source already, and a folder was given too")
    meta = body["metadata"]
    wanted = config_map_of(meta["name"], meta["namespace"], source)
    body["spec"]["source"] = {"configMap": wanted["metadata"]["name"]}
    return wanted


def request_of(job: Snapshot) -> str | None:
    """The request that has created the job; None if it was not submitted by a client."""
    found = (job.raw["metadata"].get("annotations") or {}).get(ANNOTATION_REQUEST)
    return found if isinstance(found, str) else None
