"""Fakes of what stands around the endpoint: the cache of pods, and the Secret of certificates."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess_operator.endpoint.certificate_secret import Conflict
from batchprocess_operator.endpoint.report_store import PodFacts

POD = PodFacts(
    namespace="team",
    name="digits-0",
    uid="pod-uid",
    job_uid="job-uid",
    shards=frozenset({3, 4}),
    alive=True,
)


@dataclass
class FakePods:
    """The pods that are known, by UID."""

    pods: dict[str, PodFacts] = field(default_factory=lambda: {POD.uid: POD})

    def find(self, uid: str) -> PodFacts | None:
        return self.pods.get(uid)

    def change(self, **changed: Any) -> None:
        """Another version of the one pod."""
        self.pods[POD.uid] = replace(POD, **changed)


class FakeSecret:
    """A Secret in memory with versions, as the API server keeps it."""

    def __init__(self, data: Mapping[str, bytes] | None = None) -> None:
        self.data, self.version, self.writes = dict(data or {}), 1, 0

    async def read(self) -> tuple[Mapping[str, bytes], int]:
        return dict(self.data), self.version

    async def write(self, data: Mapping[str, bytes], found: int) -> None:
        if found != self.version:
            raise Conflict("the Secret")
        self.data, self.version, self.writes = dict(data), self.version + 1, self.writes + 1


def report(*shards: int, **numbers: Any) -> ProgressReport:
    """One with the same numbers for each shard."""
    usual = {"seq": 1, "cursor": 10, "total": 100, "processed": 12, "rows": 640, "phase": "running"}
    made = (ShardProgress(shard=shard, **(usual | numbers)) for shard in shards)
    return ProgressReport(shards=tuple(made))
