"""All children of one agent together. Pure: time is an argument."""

from dataclasses import dataclass, field

from batchprocess.agent.pod.child_watch import Watch
from batchprocess.protocol.progress import ProgressReport
from batchprocess.protocol.run import RunShape, SourceChange


@dataclass
class PodChildren:
    """What is known of each child, in the order of their shards."""

    watches: list[Watch] = field(default_factory=list)
    stop_since: float | None = None

    @property
    def run(self) -> RunShape | None:
        """How the dataset is cut: the same for all, known from the first that has claimed."""
        return next((watch.run for watch in self.watches if watch.run is not None), None)

    @property
    def source(self) -> SourceChange | None:
        """That the source is not the run's: the same for all, known from the first that says so."""
        return next((watch.source for watch in self.watches if watch.source is not None), None)

    def as_report(self) -> ProgressReport:
        """What is known of all shards now."""
        return ProgressReport(
            shards=tuple(watch.as_progress() for watch in self.watches),
            run=self.run,
            source=self.source,
        )

    def grace_over(self, now: float, grace_seconds: float) -> bool:
        """Three seconds before Kubernetes would kill us, we end the children ourselves."""
        if self.stop_since is None:
            return False
        return now - self.stop_since >= max(grace_seconds - 3, 0)
