"""Starting one child for each shard of a pod, with its share of GPUs and cores."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from batchprocess.agent.pod import cpu_cores
from batchprocess.agent.pod.child_watch import Watch
from batchprocess.agent.processes import Child, gpus_of, start, start_failure
from batchprocess.agent.source_variables import source_variables
from batchprocess.cores import allowed_cores
from batchprocess.protocol.bad_rows.isolation import Isolate
from batchprocess.protocol.control import encode
from batchprocess.protocol.environment import WorkerEnvironment


@dataclass(frozen=True)
class ChildStarter:
    """Of one pod. Each method gives no child where it could not be started, and why."""

    environment: WorkerEnvironment
    command: Sequence[str]
    environ: Mapping[str, str]
    clock: Callable[[], float]

    def start_all(self) -> Iterator[tuple[Watch, Child | None]]:
        """Each as soon as it runs."""
        source = source_variables(self.environment)
        for shard in self.environment.shards_of_worker():
            watch = Watch(shard, self.clock())
            yield watch, self._start(watch, source, b"")

    def start_after(self, watch: Watch, order: Isolate) -> tuple[Watch, Child | None]:
        """Another one for the same shard, which is told `order`."""
        following = watch.next(self.clock())
        return following, self._start(following, source_variables(self.environment), encode(order))

    def _start(self, watch: Watch, source: Mapping[str, str], order: bytes) -> Child | None:
        shards = self.environment.shards_of_worker()
        number, environ = list(shards).index(watch.shard), self.environ
        allowed, cpu_limit = allowed_cores(), cpu_cores.limit()
        mine = cpu_cores.share(allowed, number, len(shards))
        omp = cpu_cores.environment(len(mine), len(shards), cpu_limit, environ)
        each = self.environment.gpus // self.environment.processes_per_worker
        # A child that is alone, as the last pod's may be, sees all.
        gpu = gpus_of(number, each, environ) if each and len(shards) > 1 else {}
        try:
            child = start(watch.shard, self.command, {**environ, **gpu, **omp, **source}, order)
        except OSError as error:
            watch.code, watch.sentence = start_failure(self.command, error)
            return None
        cpu_cores.pin(child.process.pid, mine)
        return child
