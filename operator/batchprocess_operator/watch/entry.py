"""What is known of one job and of what belongs to it. Values only."""

from collections.abc import Collection
from dataclasses import dataclass, field

from batchprocess_operator.model.observed import ChildJob, ChildPod
from batchprocess_operator.observe.stored_job import StoredJob


@dataclass
class Entry:
    """One job. `job` is the object as last seen; None while only children were."""

    job: StoredJob | None = None
    children: dict[str, ChildJob] = field(default_factory=dict)
    pods: dict[str, ChildPod] = field(default_factory=dict)
    gone: dict[str, ChildPod] = field(default_factory=dict)

    @property
    def namespace(self) -> str | None:
        """Where it is, as far as is known."""
        if self.job is not None:
            return self.job.namespace
        seen = [*self.children.values()][:1] or [*self.pods.values()][:1]
        return seen[0].namespace if seen else None

    @property
    def bare(self) -> bool:
        """Whether nothing that exists is known of it."""
        return self.job is None and not self.children and not self.pods

    def has_any(self, uids: Collection[str]) -> bool:
        """Whether any of these is a child or pod of it."""
        return any(one in uids for one in (*self.children, *self.pods))
