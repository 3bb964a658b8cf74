"""What the watches have told: jobs, their children and pods. A hint, never the truth.

Values are parsed once, when they arrive, and only what reconcile reads is kept: pods of a large
job are many. One event loop only.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchprocess_operator.observed import ChildJob, ChildPod
from batchprocess_operator.reading import Raw, child_of, job_uid, owner_uid, pod_of, version_of

MAX_GONE = 2_000


@dataclass
class Entry:
    """One job. `raw` is the object as last seen; None while only children were."""

    raw: Mapping[str, Any] | None = None
    children: dict[str, ChildJob] = field(default_factory=dict)
    pods: dict[str, ChildPod] = field(default_factory=dict)
    gone: dict[str, ChildPod] = field(default_factory=dict)


class Store:
    """By the job's UID. Every method returns the UID that is to be reconciled, if any."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._job_of_pod: dict[str, str] = {}

    def put_job(self, raw: Raw) -> str:
        """A BatchProcessJob was seen; an older version than the known one is ignored."""
        uid: str = raw["metadata"]["uid"]
        entry = self._entry(uid)
        if entry.raw is None or version_of(raw) >= version_of(entry.raw):
            entry.raw = raw
        return uid

    def drop_job(self, uid: str) -> str:
        """A BatchProcessJob is gone; the garbage collector has its children."""
        self.entries.pop(uid, None)
        return uid

    def put_child(self, raw: Raw) -> str | None:
        """A Job was seen. One that only claims to be ours by a label is ignored."""
        uid = job_uid(raw)
        if uid is None or owner_uid(raw) != uid:
            return None
        child, children = child_of(raw), self._entry(uid).children
        known = children.get(child.uid)
        if known is None or child.version >= known.version:
            children[child.uid] = child
        return uid

    def drop_child(self, raw: Raw) -> str | None:
        """A Job is gone."""
        uid = job_uid(raw)
        entry = None if uid is None else self.entries.get(uid)
        if entry is not None:
            entry.children.pop(raw["metadata"]["uid"], None)
        return uid

    def put_pod(self, raw: Raw) -> str | None:
        """A pod was seen."""
        uid = job_uid(raw)
        if uid is not None:
            pod, pods = pod_of(raw), self._entry(uid).pods
            known = pods.get(pod.uid)
            if known is None or pod.version >= known.version:
                pods[pod.uid] = pod
            self._job_of_pod[pod.uid] = uid
        return uid

    def drop_pod(self, raw: Raw) -> str | None:
        """A pod is gone. What it said last is kept for a while: attempts are counted by it."""
        uid = job_uid(raw)
        entry = None if uid is None else self.entries.get(uid)
        if entry is None:
            return None
        last = pod_of(raw)
        entry.pods.pop(last.uid, None)
        self._job_of_pod.pop(last.uid, None)
        entry.gone[last.uid] = last
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

    def _entry(self, uid: str) -> Entry:
        return self.entries.setdefault(uid, Entry())
