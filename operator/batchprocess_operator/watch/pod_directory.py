"""Pods as the progress endpoint asks for them: out of the cache, by UID."""

from dataclasses import dataclass
from datetime import datetime

from batchprocess_operator.endpoint.report_store import PodFacts
from batchprocess_operator.observe.shard_numbers import shards_of
from batchprocess_operator.watch.cache import JobCache


@dataclass(frozen=True)
class PodDirectory:
    """Only worker pods of Jobs that we made, for BatchProcessJobs that exist."""

    cache: JobCache

    def find(self, uid: str) -> PodFacts | None:
        """As `endpoint.report_store.Pods`."""
        found = self.cache.find_pod(uid)
        if found is None:
            return None
        job_uid, pod = found
        entry = self.cache.entries[job_uid]
        child = entry.children.get(pod.child_uid or "")
        job = entry.job
        if job is None or child is None or child.role != "worker":
            return None
        return PodFacts(
            namespace=job.namespace,
            name=pod.name,
            uid=uid,
            job_uid=job_uid,
            shards=shards_of(child, [pod.index], job.shards, job.processes_per_worker),
            alive=pod.alive,
        )

    def created(self, uid: str) -> datetime | None:
        """When a pod was created."""
        found = self.cache.find_pod(uid)
        return None if found is None else found[1].created
