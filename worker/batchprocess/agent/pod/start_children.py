"""Starting one child for each shard of a pod, with its share of GPUs and cores."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from batchprocess.agent.pod import cpu_cores
from batchprocess.agent.pod.child_watch import Watch
from batchprocess.agent.processes import Child, gpu_of, start, start_failure
from batchprocess.agent.source_variables import source_variables
from batchprocess.cores import allowed_cores
from batchprocess.protocol.environment import WorkerEnvironment


def start_children(
    environment: WorkerEnvironment,
    command: Sequence[str],
    environ: Mapping[str, str],
    clock: Callable[[], float],
) -> Iterator[tuple[Watch, Child | None]]:
    """Each as soon as it runs; without a child where it could not be started, and why."""
    shards = environment.shards_of_worker()
    source = source_variables(environment)
    allowed, cpu_limit = allowed_cores(), cpu_cores.limit()
    for number, shard in enumerate(shards):
        mine = cpu_cores.share(allowed, number, len(shards))
        omp = cpu_cores.environment(len(mine), len(shards), cpu_limit, environ)
        gpu = gpu_of(number, len(shards), environ) if environment.gpus else {}
        watch = Watch(shard, clock())
        try:
            child = start(shard, command, {**environ, **gpu, **omp, **source})
        except OSError as error:
            watch.code, watch.sentence = start_failure(command, error)
            yield watch, None
            continue
        cpu_cores.pin(child.process.pid, mine)
        yield watch, child
