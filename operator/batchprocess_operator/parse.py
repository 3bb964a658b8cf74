"""From the stored object to a job and back. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.status import Status
from batchprocess_operator.build.road import ProgressRoad
from batchprocess_operator.identity import JobIdentity, run_uri_of
from batchprocess_operator.job import Job
from batchprocess_operator.names import API_VERSION, KIND
from batchprocess_operator.reading import Raw, parse_time


class Unreadable(ValueError):
    """An object that the CRD of another version let in; names the field."""


def read_job(raw: Raw, road: ProgressRoad | None) -> Job:
    """What is reconciled. Raises Unreadable."""
    meta = raw["metadata"]
    given = {"apiVersion": API_VERSION, "kind": KIND, "metadata": meta, "spec": raw.get("spec")}
    try:
        body = BatchProcessJob.model_validate(given)
        before = Status.model_validate(raw.get("status") or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        name = f"{meta['namespace']}/{meta['name']}"
        raise Unreadable(f"job {name}: {where}: {first['msg']}") from error
    identity = JobIdentity(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        created=parse_time(meta["creationTimestamp"]),
        generation=meta.get("generation", 1),
        run_uri=run_uri_of(body, meta["uid"]),
    )
    return Job(body, identity, before, road)


def status_body(raw: Raw, status: Status) -> dict[str, Any]:
    """The object with a new status, for its status subresource; guarded by resourceVersion."""
    told = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {**_plain(raw), "status": told}


def _plain(raw: Raw) -> dict[str, Any]:
    meta: Mapping[str, Any] = raw["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion")
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {key: meta[key] for key in kept},
        "spec": raw["spec"],
    }
