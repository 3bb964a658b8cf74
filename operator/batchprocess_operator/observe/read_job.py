"""From the stored object to a job and back. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.new_bounds import STORED
from batchprocess.api.notify.settings import Notify
from batchprocess.api.status import Display, Status
from batchprocess.protocol.job_object import API_VERSION, KIND
from batchprocess_operator.model.conditions import Fact, merge
from batchprocess_operator.model.identity import JobIdentity, run_uri_of
from batchprocess_operator.model.job import Job, UnknownField
from batchprocess_operator.model.report_address import ReportAddress
from batchprocess_operator.observe.read_children import Raw, parse_time
from batchprocess_operator.observe.shard_numbers import readable
from batchprocess_operator.observe.stored_job import StoredJob
from batchprocess_operator.observe.unknown_fields import unknown_fields, without

_YEARS = range(1970, 9_000)
"""Of times that we may have written: to others nothing can be added."""
_MAX_ROUNDS = 16
"""A field is only looked into once those around it are known."""


class Unreadable(ValueError):
    """An object that the CRD of another version let in; names the field."""


def read_job(raw: Raw, report_address: ReportAddress | None, refusal: str = "") -> Job:
    """What is reconciled; `refusal` as in `Job`. Raises Unreadable."""
    meta = raw["metadata"]
    given = {"apiVersion": API_VERSION, "kind": KIND, "metadata": meta, "spec": raw.get("spec")}
    body, unknown = _read_known(given)
    identity = read_identity(raw, run_uri_of(body, meta["uid"]))
    before = readable(read_status(raw), body.spec.shards)
    return Job(body, identity, before, report_address, refusal, unknown)


def read_identity(raw: Raw, run_uri: str = "") -> JobIdentity:
    """Who it is; of a job that nobody can read it is not known where its run is."""
    meta = raw["metadata"]
    return JobIdentity(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        created=parse_time(meta["creationTimestamp"]),
        generation=meta.get("generation", 1),
        run_uri=run_uri,
    )


def read_stored(stored: StoredJob, raw: Raw, report_address: ReportAddress | None) -> Job:
    """The job as it was kept; `raw` is that, unpacked. Raises Unreadable."""
    if stored.unreadable:
        raise Unreadable(stored.unreadable)
    return read_job(raw, report_address, stored.refusal)


def read_notify(raw: Raw) -> Notify | None:
    """What a job asks to be told of, whatever else of it nobody can read."""
    try:
        return Notify.model_validate((raw.get("spec") or {}).get("notify"), context=STORED)
    except ValidationError:
        return None


def read_status(raw: Raw) -> Status:
    """The status as last written; an empty one for what nobody can read: it is made anew."""
    try:
        read = Status.model_validate(raw.get("status") or {})
    except ValidationError:
        return Status()
    return read if all(_is_usable(one) for one in _times(read)) else Status()


def _is_usable(time: datetime) -> bool:
    """Whether something may be added to it, and it be compared with now."""
    return time.year in _YEARS and time.tzinfo is not None


def _times(status: Status) -> Iterator[datetime]:
    found = (status.start_time, status.completion_time, status.eta)
    yield from (one for one in found if one is not None)
    yield from (one.last_transition_time for one in status.conditions)
    if status.notifications is not None:
        yield from (one.time for one in status.notifications.pending)
        yield status.notifications.stalled_time or datetime(1970, 1, 1, tzinfo=UTC)


def stalled_status(raw: Raw, reason: str, message: str, now: datetime) -> Status:
    """What to say of a job that cannot be worked on: that it is left as it is, and why.

    Not that it has failed, which is final: a newer operator may know the field or have no such
    fault, and workers may be at work.
    """
    before, generation = read_status(raw), raw["metadata"].get("generation", 1)
    facts = [
        Fact(one.type, one.status == "True", one.reason, one.message)
        for one in before.conditions
        if one.type != "Stalled"
    ]
    facts.append(Fact("Stalled", True, reason, message))
    display = (before.display or Display()).model_copy(update={"reason": reason})
    return before.model_copy(
        update={
            "display": display,
            "state": before.state or "Pending",
            "observed_generation": generation,
            "conditions": merge(before.conditions, facts, generation=generation, now=now),
        }
    )


def status_body(raw: Raw, status: Status) -> dict[str, Any]:
    """The object with a new status, for its status subresource; guarded by resourceVersion.

    Without its spec, which the API server takes from what is stored.
    """
    meta: Mapping[str, Any] = raw["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion")
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {key: meta[key] for key in kept},
        "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def _read_known(given: Raw) -> tuple[BatchProcessJob, tuple[UnknownField, ...]]:
    """The job as far as this release knows it, and what else there is."""
    unknown: list[UnknownField] = []
    for _ in range(_MAX_ROUNDS):
        try:
            job = BatchProcessJob.model_validate(given, context=STORED)
            return job, _in_order(unknown)
        except ValidationError as error:
            found = unknown_fields(given, error)
            if not found:
                raise Unreadable(_sentence(error)) from error
        unknown += found
        given = without(given, found)
    raise Unreadable(f"{unknown[0].name}: too many fields of another version")


def _in_order(fields: Iterable[UnknownField]) -> tuple[UnknownField, ...]:
    return tuple(sorted(fields, key=lambda field: field.name))


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"
