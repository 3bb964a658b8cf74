"""The ConfigMap of a source: made before its job, and gone with it.

Its name has the digest of what is in it, and it is immutable: another content is another one, and
what runs is never changed under it. It is owned by the job once that is there; the garbage
collector compares owners before it deletes, so one that it was about to take is kept if our owner
comes first, and made anew if not.
"""

import base64
from collections.abc import Mapping
from typing import Any

from batchprocess.client.errors import AlreadyExists, Changed, NotFound, Rejected
from batchprocess.client.server.connection import Connection
from batchprocess.client.snapshot import Snapshot
from batchprocess.client.source.source_files import SourceFiles
from batchprocess.kube.names import LABEL_JOB
from batchprocess.kube.paths import config_map, config_maps
from batchprocess.kube.requests import STRATEGIC_PATCH, Object
from batchprocess.protocol.job_object import API_VERSION, KIND

_DIGITS = 12
_TRIES = 5


def config_map_of(job_name: str, namespace: str, source: SourceFiles) -> dict[str, Any]:
    """The object. Text stands in it as text."""
    data, binary = dict[str, str](), dict[str, str]()
    for name, body in source.contents.items():
        try:
            data[name] = body.decode()
        except UnicodeDecodeError:
            binary[name] = base64.b64encode(body).decode()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{job_name}-{source.digest[:_DIGITS]}",
            "namespace": namespace,
            "labels": {LABEL_JOB: job_name},
        },
        "immutable": True,
        "data": data,
        "binaryData": binary,
    }


def put(connection: Connection, wanted: Mapping[str, Any]) -> tuple[Object, bool]:
    """The ConfigMap as it is there, and whether this call has made it.

    Raises Rejected if another has its name.
    """
    meta = wanted["metadata"]
    for _ in range(_TRIES):
        try:
            return connection.patiently(
                lambda: connection.create(config_maps(meta["namespace"]), wanted)
            ), True
        except AlreadyExists:
            try:
                found = connection.get(config_map(meta["namespace"], meta["name"]))
            except NotFound:
                continue  # deleted in between
            _require_same(wanted, found)
            return found, False
    raise Changed(f"ConfigMap {meta['name']} is deleted again and again: submit once more")


def _require_same(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    fixed = found.get("immutable") is True
    same = all((found.get(part) or {}) == wanted[part] for part in ("data", "binaryData"))
    if not (fixed and same):
        name = wanted["metadata"]["name"]
        raise Rejected(f"ConfigMap {name} is there and is not the source's: delete or rename it")


def own(connection: Connection, job: Snapshot, wanted: Mapping[str, Any]) -> None:
    """Have the ConfigMap go with the job; it is made anew if it has gone just now."""
    meta = wanted["metadata"]
    owner = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": job.name,
        "uid": job.uid,
        "controller": False,
        "blockOwnerDeletion": False,
    }
    owned = {**wanted, "metadata": {**meta, "ownerReferences": [owner]}}
    for _ in range(_TRIES):
        found, made = put(connection, owned)
        if made:
            return
        # By uid, so that this one is meant; of lists of owners the API server merges the entries.
        patch = {"metadata": {"uid": found["metadata"]["uid"], "ownerReferences": [owner]}}
        try:
            connection.patch(config_map(meta["namespace"], meta["name"]), patch, STRATEGIC_PATCH)
        except (NotFound, Changed):
            continue
        return
    raise Changed(f"ConfigMap {meta['name']} is deleted again and again: submit once more")


def take_back(connection: Connection, made: Mapping[str, Any]) -> None:
    """Delete the ConfigMap that was made for a job that is not."""
    meta = made["metadata"]
    try:
        connection.delete(config_map(meta["namespace"], meta["name"]), uid=meta["uid"])
    except (NotFound, Changed):
        return
