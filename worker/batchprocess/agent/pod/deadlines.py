"""Ends children that have passed one of the pod's limits of time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from batchprocess.agent.awake_clock import AwakeClock
from batchprocess.agent.pod.child_run import ChildRun
from batchprocess.agent.pod.child_watch import Limits
from batchprocess.agent.pod.pod_children import PodChildren


@dataclass(frozen=True)
class Deadlines:
    """`hear` receives all that a child has sent. `real` is the time of the kubelet, which does not
    stand when we do; `awake` the one that children are judged by."""

    children: PodChildren
    limits: Limits
    grace_seconds: float
    hear: Callable[[ChildRun], None]
    real: Callable[[], float]
    awake: AwakeClock

    def grace_over(self) -> bool:
        """Whether the kubelet is about to kill us all."""
        return self.children.grace_over(self.real(), self.grace_seconds)

    def check(self, running: Iterable[ChildRun]) -> None:
        """Kill those of `running` whose time is over."""
        over = self.grace_over()
        for run in running:
            if run.watch.killed is not None or run.ended is not None:
                continue
            if over:
                run.kill("stopped")
            elif run.watch.lingers(self.awake()):
                run.kill("lingering")
            elif self._stall(run) is not None:
                # It may have spoken while we could not hear.
                self.hear(run)
                stall = self._stall(run)
                if stall is not None:
                    run.end_stalled(stall)

    def _stall(self, run: ChildRun) -> str | None:
        return run.watch.stalled(self.awake(), self.limits)
