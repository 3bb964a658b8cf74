"""What the watches have reported: jobs, their children and pods. A hint, never the truth.

Values are parsed once, when they arrive, and only what reconcile reads is kept: pods of a large
job are many. One event loop only.
"""

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TypeVar

from batchprocess_operator.model.observed import ChildJob, ChildPod
from batchprocess_operator.observe.read_children import (
    Raw,
    child_of,
    job_uid,
    owner_uid,
    pod_of,
    version_of,
)
from batchprocess_operator.observe.stored_job import stored_job
from batchprocess_operator.watch.collections import Kind
from batchprocess_operator.watch.entry import Entry
from batchprocess_operator.watch.freshness import Freshness, Reading

MAX_GONE = 2_000
_Kept = TypeVar("_Kept", ChildJob, ChildPod)


class JobCache:
    """By the job's UID. Every method returns the UID that is to be reconciled, if any.

    A UID whose object was deleted does not come back by what is older: an answer to one of our own
    requests, or a page of a listing, may arrive after the watch has reported the deletion.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._job_of_pod: dict[str, str] = {}
        self._fresh = Freshness()

    def reading(self) -> AbstractContextManager[Reading]:
        """Around a question to the API server and what is put of its answer."""
        return self._fresh.reading()

    def put_job(self, raw: Raw, reading: Reading | None = None) -> str:
        """A BatchProcessJob was seen; an older version than the known one is ignored."""
        uid: str = raw["metadata"]["uid"]
        known = self.entries[uid].job if uid in self.entries else None
        version = None if known is None else known.version
        if not self._fresh.admits(uid, version_of(raw), version, reading):
            return uid
        entry = self._entry(uid)
        if entry.job is None:
            here = raw["metadata"]["namespace"]
            entry.children = {k: v for k, v in entry.children.items() if v.namespace == here}
            entry.pods = {k: v for k, v in entry.pods.items() if v.namespace == here}
        entry.job = stored_job(raw)
        return uid

    def drop_job(self, raw: Raw) -> str:
        """A BatchProcessJob is gone; the garbage collector has its children."""
        uid: str = raw["metadata"]["uid"]
        self.entries.pop(uid, None)
        self._fresh.bury([uid], version_of(raw))
        return uid

    def put_child(self, raw: Raw, reading: Reading | None = None) -> str | None:
        """A Job was seen. One that only claims to be ours by a label is ignored."""
        uid = job_uid(raw)
        if uid is None or owner_uid(raw) != uid:
            return self._disown(raw)
        child = child_of(raw)
        if not self._belongs(child, uid):
            return None
        self._put(child, self._entry(uid).children, reading)
        return None if self._fresh.is_gone(child.uid) else uid

    def drop_child(self, raw: Raw) -> str | None:
        """A Job is gone."""
        uid = job_uid(raw)
        self._fresh.bury([raw["metadata"]["uid"]], version_of(raw))
        entry = None if uid is None else self.entries.get(uid)
        if uid is not None and entry is not None:
            entry.children.pop(raw["metadata"]["uid"], None)
            self._tidy(uid)
        return uid

    def put_pod(self, raw: Raw, reading: Reading | None = None) -> str | None:
        """A pod was seen."""
        uid = job_uid(raw)
        if uid is None:
            return None
        pod = pod_of(raw)
        self._move_pod(pod, uid)
        if not self._belongs(pod, uid):
            return None
        entry = self._entry(uid)
        self._put(pod, entry.pods, reading)
        if self._fresh.is_gone(pod.uid):
            return None
        # It was away for us only: somebody has given our label back.
        entry.gone.pop(pod.uid, None)
        self._job_of_pod[pod.uid] = uid
        return uid

    def drop_pod(self, raw: Raw) -> str | None:
        """A pod is gone. Its last version is kept for a while: attempts are counted by it."""
        uid = job_uid(raw)
        if uid is None:
            return None
        last = pod_of(raw)
        ours = uid in self.entries and self._belongs(last, uid)
        self._fresh.bury([last.uid], last.version)
        self._job_of_pod.pop(last.uid, None)
        if not ours:
            return None
        entry = self._entry(uid)
        entry.pods.pop(last.uid, None)
        # One that was deleted by force has reported no end.
        entry.gone[last.uid] = replace(last, ended=True)
        while len(entry.gone) > MAX_GONE:
            entry.gone.pop(next(iter(entry.gone)))
        self._tidy(uid)
        return uid

    def uids(self, kind: Kind, namespace: str | None) -> frozenset[str]:
        """Of all known objects of a kind, of one namespace or of all."""
        here = [one for one in self.entries.items() if namespace in (None, one[1].namespace)]
        match kind:
            case "job":
                # One of which only children were seen may lie in another namespace.
                return frozenset(
                    uid for uid, entry in here if entry.job is not None or namespace is None
                )
            case "child":
                return frozenset(uid for _, entry in here for uid in entry.children)
        jobs = {uid for uid, _ in here}
        known = self._job_of_pod.items()
        return frozenset(pod for pod, job in known if job in jobs or job not in self.entries)

    def forget(self, uids: Collection[str]) -> list[str]:
        """Drop what a full listing did not have: watches may miss deletions.

        Returns the UIDs of the jobs concerned.
        """
        self._fresh.bury(uids)
        concerned = [uid for uid, one in self.entries.items() if uid in uids or one.has_any(uids)]
        for uid in [uid for uid in self.entries if uid in uids]:
            del self.entries[uid]
        for entry in self.entries.values():
            entry.children = {k: v for k, v in entry.children.items() if k not in uids}
            entry.pods = {k: v for k, v in entry.pods.items() if k not in uids}
        jobs_of = self._job_of_pod
        self._job_of_pod = {pod: uid for pod, uid in jobs_of.items() if pod not in uids}
        return concerned

    def find_pod(self, uid: str) -> tuple[str, ChildPod] | None:
        """The job's UID and the pod, for the progress endpoint."""
        job = self._job_of_pod.get(uid)
        pod = self.entries[job].pods.get(uid) if job in self.entries else None
        return None if job is None or pod is None else (job, pod)

    def _disown(self, raw: Raw) -> str | None:
        """A Job that does not say any more that it is ours; returns whose it was, if anybody's."""
        child, version = raw["metadata"]["uid"], version_of(raw)
        for uid, entry in self.entries.items():
            known = entry.children.get(child)
            if known is not None and known.version < version:
                del entry.children[child]
                return uid
        return None

    def _move_pod(self, pod: ChildPod, uid: str) -> None:
        """Somebody may have written another job's UID on it."""
        before = self._job_of_pod.get(pod.uid, uid)
        if before != uid and before in self.entries:
            self.entries[before].pods.pop(pod.uid, None)
            self._tidy(before)

    def _tidy(self, uid: str) -> None:
        """Whoever may create pods can name ever new jobs on them."""
        if uid in self.entries and self.entries[uid].bare:
            del self.entries[uid]

    def _belongs(self, child: ChildJob | ChildPod, uid: str) -> bool:
        """Whether its job is there, in one namespace: labels can be written anywhere."""
        if self._fresh.is_gone(uid):
            return False
        job = self._entry(uid).job
        return job is None or job.namespace == child.namespace

    def _put(self, one: _Kept, known: dict[str, _Kept], reading: Reading | None) -> None:
        before = known.get(one.uid)
        version = None if before is None else before.version
        if self._fresh.admits(one.uid, one.version, version, reading):
            known[one.uid] = one

    def _entry(self, uid: str) -> Entry:
        return self.entries.setdefault(uid, Entry())
