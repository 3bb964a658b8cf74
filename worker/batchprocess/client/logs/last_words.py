"""What failed pods have said at last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from batchprocess.client.logs.log_lines import LogLine
from batchprocess.client.logs.log_pods import LogPod
from batchprocess.client.logs.read_logs import read_logs, read_pods
from batchprocess.client.server.connection import Connection
from batchprocess.client.snapshot import Snapshot

LAST_LINES = 20
MAX_FAILED = 100


@dataclass(frozen=True)
class LastWords:
    """Of a pod that has failed: its exit code and sentence are in `pod`, its last lines here."""

    pod: LogPod
    lines: tuple[LogLine, ...]


def last_words(
    connection: Connection,
    job: Snapshot,
    shards: Sequence[int] | None = None,
    tail: int = LAST_LINES,
) -> Iterator[LastWords]:
    """Of the last failed pod of each shard that no later pod has made good, at most 100."""
    last: dict[tuple[int, ...], LogPod] = {}
    for pod in read_pods(connection, job, shards):
        if pod.ended:
            last[pod.shards] = pod
    failed = [pod for pod in last.values() if pod.code != 0]
    for pod in failed[:MAX_FAILED]:
        yield LastWords(pod, tuple(read_logs(connection, job, [pod], tail)))
