"""Writing a job's status: once a pass, over the very version that was decided upon."""

from collections.abc import Mapping
from typing import Any

from batchprocess.api.status import Status
from batchprocess.kube import paths
from batchprocess.kube.requests import Object
from batchprocess_operator.controller.services import Services
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import Conflict, NotFound
from batchprocess_operator.observe.read_job import status_body
from batchprocess_operator.watch.entry import Entry
from batchprocess_operator.watch.freshness import Reading


async def write_status(
    services: Services, status: Status, entry: Entry, raw: Mapping[str, Any]
) -> bool:
    """Whether it was written; then the cache has it, so that no older one is decided upon.

    Whoever has changed the object meanwhile has the pass repeated: a replica may have written a
    final state.
    """
    meta = raw["metadata"]
    path = paths.job_object(meta["namespace"], meta["name"])
    states = (raw.get("status") or {}).get("state"), status.state
    with services.cache.reading() as reading:
        try:
            written = await services.api.replace(f"{path}/status", status_body(raw, status))
        except (Conflict, NotFound):
            services.status_written(*states, written=False)
            await _read_again(services, path, entry, meta, reading)
            return False
        services.status_written(*states, written=True)
        services.cache.put_job(written, reading)
    return True


async def _read_again(
    services: Services, path: str, entry: Entry, meta: Mapping[str, Any], reading: Reading
) -> None:
    """What it answers is true, though its version be smaller: backups are restored, too."""
    fresh = await _read(services.api, path, meta["uid"])
    if fresh is not None:
        services.cache.put_job(fresh, reading)
        services.queue.add(meta["uid"])
    elif entry.job is not None and str(entry.job.version) == meta["resourceVersion"]:
        # Gone. Should it be there after all, the next event or full listing has it again.
        entry.job = None


async def _read(api: Api, path: str, uid: str) -> Object | None:
    """The object as it is now; None if it is gone, or another by the same name."""
    try:
        found = await api.get(path)
    except NotFound:
        return None
    return found if found["metadata"]["uid"] == uid else None
