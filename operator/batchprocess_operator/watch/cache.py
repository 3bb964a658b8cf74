"""What the watches have reported: jobs, their children and pods. A hint, never the truth.

Values are parsed once, when they arrive, and only what reconcile reads is kept: pods of a large
job are many. One event loop only.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from batchprocess_operator.model.observed import ChildJob, ChildPod
from batchprocess_operator.observe.read_children import (
    Raw,
    child_of,
    job_uid,
    owner_uid,
    pod_of,
    version_of,
)

_LOG = logging.getLogger(__name__)
MAX_GONE = 2_000
_MAX_BURIED = 20_000
_Child = TypeVar("_Child", ChildJob, ChildPod)


@dataclass
class Entry:
    """One job. `raw` is the object as last seen; None while only children were."""

    raw: Mapping[str, Any] | None = None
    children: dict[str, ChildJob] = field(default_factory=dict)
    pods: dict[str, ChildPod] = field(default_factory=dict)
    gone: dict[str, ChildPod] = field(default_factory=dict)


class JobCache:
    """By the job's UID. Every method returns the UID that is to be reconciled, if any.

    A UID whose object was deleted never comes back: an answer to one of our own requests, or a
    page of a listing, may arrive after the watch has reported the deletion.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._job_of_pod: dict[str, str] = {}
        self._buried: dict[str, None] = {}

    def put_job(self, raw: Raw) -> str:
        """A BatchProcessJob was seen; an older version than the known one is ignored."""
        uid: str = raw["metadata"]["uid"]
        if uid in self._buried:
            return uid
        entry = self._entry(uid)
        if entry.raw is None:
            here = raw["metadata"]["namespace"]
            entry.children = {k: v for k, v in entry.children.items() if v.namespace == here}
            entry.pods = {k: v for k, v in entry.pods.items() if v.namespace == here}
        if entry.raw is None or version_of(raw) >= version_of(entry.raw):
            entry.raw = raw
        return uid

    def drop_job(self, uid: str) -> str:
        """A BatchProcessJob is gone; the garbage collector has its children."""
        self.entries.pop(uid, None)
        self._bury([uid])
        return uid

    def put_child(self, raw: Raw) -> str | None:
        """A Job was seen. One that only claims to be ours by a label is ignored."""
        uid = job_uid(raw)
        if uid is None or owner_uid(raw) != uid:
            return None
        child = _read(child_of, raw)
        if child is None or not self._belongs(child, uid):
            return None
        children = self._entry(uid).children
        known = children.get(child.uid)
        if known is None or child.version >= known.version:
            children[child.uid] = child
        return uid

    def drop_child(self, raw: Raw) -> str | None:
        """A Job is gone."""
        uid = job_uid(raw)
        self._bury([raw["metadata"]["uid"]])
        entry = None if uid is None else self.entries.get(uid)
        if entry is not None:
            entry.children.pop(raw["metadata"]["uid"], None)
        return uid

    def put_pod(self, raw: Raw) -> str | None:
        """A pod was seen."""
        uid = job_uid(raw)
        pod = None if uid is None else _read(pod_of, raw)
        if uid is None or pod is None or not self._belongs(pod, uid):
            return None
        pods = self._entry(uid).pods
        known = pods.get(pod.uid)
        if known is None or pod.version >= known.version:
            pods[pod.uid] = pod
        self._job_of_pod[pod.uid] = uid
        return uid

    def drop_pod(self, raw: Raw) -> str | None:
        """A pod is gone. Its last version is kept for a while: attempts are counted by it."""
        uid = job_uid(raw)
        last = None if uid is None else _read(pod_of, raw)
        if uid is None or last is None:
            return None
        ours = uid in self.entries and self._belongs(last, uid)
        self._bury([last.uid])
        self._job_of_pod.pop(last.uid, None)
        if not ours:
            return None
        entry = self._entry(uid)
        entry.pods.pop(last.uid, None)
        # One that was deleted by force has reported no end.
        entry.gone[last.uid] = replace(last, ended=True)
        while len(entry.gone) > MAX_GONE:
            entry.gone.pop(next(iter(entry.gone)))
        return uid

    def uids(self) -> frozenset[str]:
        """Of everything that is known: jobs, children and pods."""
        found = set(self.entries) | set(self._job_of_pod)
        found.update(uid for entry in self.entries.values() for uid in entry.children)
        return frozenset(found)

    def forget(self, uids: Collection[str]) -> None:
        """Drop what a full listing did not have: watches may miss deletions."""
        self._bury(uids)
        for uid in [uid for uid in self.entries if uid in uids]:
            del self.entries[uid]
        for entry in self.entries.values():
            entry.children = {k: v for k, v in entry.children.items() if k not in uids}
            entry.pods = {k: v for k, v in entry.pods.items() if k not in uids}
        jobs_of = self._job_of_pod
        self._job_of_pod = {pod: uid for pod, uid in jobs_of.items() if pod not in uids}

    def find_pod(self, uid: str) -> tuple[str, ChildPod] | None:
        """The job's UID and the pod, for the progress endpoint."""
        job = self._job_of_pod.get(uid)
        pod = self.entries[job].pods.get(uid) if job in self.entries else None
        return None if job is None or pod is None else (job, pod)

    def _belongs(self, child: ChildJob | ChildPod, uid: str) -> bool:
        """Whether it and its job are there, in one namespace: labels can be written anywhere."""
        if child.uid in self._buried or uid in self._buried:
            return False
        raw = self._entry(uid).raw
        return raw is None or raw["metadata"]["namespace"] == child.namespace

    def _bury(self, uids: Iterable[str]) -> None:
        self._buried.update(dict.fromkeys(uids))
        while len(self._buried) > _MAX_BURIED:
            self._buried.pop(next(iter(self._buried)))

    def _entry(self, uid: str) -> Entry:
        return self.entries.setdefault(uid, Entry())


def _read(parse: Callable[[Raw], _Child], raw: Raw) -> _Child | None:
    """None for an object that somebody has made unreadable: the others must go on."""
    try:
        return parse(raw)
    except ValueError as error:
        meta = raw["metadata"]
        _LOG.warning("%s/%s is ignored: %s", meta.get("namespace"), meta["name"], error)
        return None
