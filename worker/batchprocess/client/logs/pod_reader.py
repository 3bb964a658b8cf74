"""One pod's log, read to its end by a thread, over connections that break."""

import queue
import threading

from batchprocess.client.errors import ClusterError, NotFound, Rejected, Unavailable
from batchprocess.client.logs.log_lines import LogLine, Resumption
from batchprocess.client.logs.log_pods import LogPod, pod_has_ended
from batchprocess.client.logs.read_logs import lines_of, query
from batchprocess.client.server.connection import BACKOFF, Connection
from batchprocess.client.server.transport import Stream
from batchprocess.kube.paths import pod, pod_log
from batchprocess.kube.requests import get

SILENT_SECONDS = 300.0
"""A worker may be silent for long; then it is asked again from its last line on."""
MAX_FAILURES = 5
"""Of reading what a pod that has ended has written: its node may be gone."""
_PUT_SECONDS = 0.2
Told = LogLine | ClusterError


class PodReader:
    """Puts the lines of a pod into `told` as they come, until its container has ended."""

    def __init__(
        self, connection: Connection, namespace: str, of: LogPod, told: "queue.Queue[Told]"
    ) -> None:
        self.pod = of
        self._connection, self._namespace, self._told = connection, namespace, told
        self._stop = threading.Event()
        self._stream: Stream | None = None
        # Daemonic: a connection that nobody can shut must not keep a program from its end.
        self._thread = threading.Thread(target=self._run, name=f"log of {of.name}", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether all that there will be has been put."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Read no further."""
        self._stop.set()
        stream = self._stream
        if stream is not None:
            stream.close()

    def _run(self) -> None:
        try:
            self._read_to_the_end()
        except ClusterError as error:
            self._put(error)

    def _read_to_the_end(self) -> None:
        place, failures = Resumption(), 0
        while not self._stop.is_set():
            ended = False
            try:
                # Asked before: what has ended by now has written all that it will.
                ended = self._has_ended()
                seen = self._read(place, follow=not ended)
                failures = 0 if seen else failures + 1
                if ended:
                    return
            except Unavailable:
                failures += 1
                if ended and failures > MAX_FAILURES:
                    raise
            except NotFound:
                return
            except Rejected:
                # It is being made still; if it is not any more, there is no log to come.
                if ended:
                    return
                failures += 1
            self._stop.wait(BACKOFF.jittered(max(failures, 1), self._connection.draw))

    def _read(self, place: Resumption, *, follow: bool) -> int:
        """How many new lines there were until it broke off."""
        path = pod_log(self._namespace, self.pod.name)
        asked = query(follow=follow, since=place.since)
        place.begin()
        seen = 0
        with self._connection.transport.stream(get(path, asked), SILENT_SECONDS) as stream:
            self._stream = stream
            for line in place.new(lines_of(stream, self.pod)):
                if not self._put(line):
                    break
                seen += 1
        return seen

    def _has_ended(self) -> bool:
        try:
            raw = self._connection.get(pod(self._namespace, self.pod.name))
        except NotFound:
            return True
        if raw["metadata"].get("uid") != self.pod.uid:
            return True
        return pod_has_ended(raw)

    def _put(self, told: Told) -> bool:
        """False once nobody listens any more."""
        while not self._stop.is_set():
            try:
                self._told.put(told, timeout=_PUT_SECONDS)
            except queue.Full:
                continue
            return True
        return False
