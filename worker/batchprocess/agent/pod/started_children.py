"""The processes that an agent has started, one a shard, and what comes after one of them."""

import selectors
from collections.abc import Iterable
from dataclasses import dataclass, field

from batchprocess.agent.pod.child_run import ChildRun
from batchprocess.agent.pod.child_watch import Watch
from batchprocess.agent.pod.pod_children import PodChildren
from batchprocess.agent.pod.start_children import ChildStarter
from batchprocess.agent.processes import Child
from batchprocess.protocol.bad_rows.isolation import Isolate


@dataclass
class StartedChildren:
    """`selector` has the socket of each; `known` what is known of each, started or not."""

    starter: ChildStarter
    selector: selectors.BaseSelector
    known: PodChildren
    runs: list[ChildRun] = field(default_factory=list)

    @property
    def running(self) -> list[ChildRun]:
        """Those whose end is not known yet."""
        return [run for run in self.runs if run.watch.code is None]

    @property
    def pids(self) -> set[int]:
        """Of those whose status was not waited for yet."""
        return {run.pid for run in self.runs if run.pid is not None}

    def start_all(self) -> Iterable[ChildRun]:
        """One for each shard."""
        for watch, child in self.starter.start_all():
            self.known.watches.append(watch)
            self._add(watch, child)
        return self.runs

    def start_after(self, run: ChildRun, order: Isolate) -> Watch:
        """Another one in place of `run`, which has ended."""
        watch, child = self.starter.start_after(run.watch, order)
        self.runs.remove(run)
        at = next(at for at, one in enumerate(self.known.watches) if one is run.watch)
        self.known.watches[at] = watch
        self._add(watch, child)
        return watch

    def receive(self, run: ChildRun) -> list[bytes] | None:
        """Lines that it has sent; None if there was nothing."""
        lines = run.receive()
        if run.disconnected:
            self.selector.unregister(run.child.connection)
            run.child.connection.close()
        return lines

    def _add(self, watch: Watch, child: Child | None) -> None:
        if child is not None:
            self.runs.append(ChildRun(watch, child))
            self.selector.register(child.connection, selectors.EVENT_READ, self.runs[-1])
