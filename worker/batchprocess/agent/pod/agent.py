"""The agent's event loop: children's words, signals, clocks and seals, one thread for all."""

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from pydantic import ValidationError

from batchprocess.agent.pod import cpu_cores
from batchprocess.agent.pod.child_watch import Pod, SealSeen, Watch
from batchprocess.agent.pod.seal_lookup import read_seal
from batchprocess.agent.pod.termination_log import TerminationLog, one_line, open_reporters
from batchprocess.agent.processes import (
    Child,
    gpu_of,
    kill_session,
    missing_script,
    start,
    start_failure,
)
from batchprocess.protocol.control import Stop, decode, encode
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.exit_codes import LEAVES_SIBLINGS_RUNNING, ExitCode, combine

_TICK_SECONDS = 0.5
_DUMP_SECONDS = 1.0
_MAX_LINE = 1 << 20
_RUNNER = "the local runner"


class Agent:
    """Runs `command` once for each shard of this pod. `run` returns the pod's exit code."""

    def __init__(
        self,
        environment: WorkerEnvironment,
        command: Sequence[str],
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment, self._command, self._environ = environment, command, environ
        self._clock = clock
        self._pod = Pod()
        self._children: dict[int, Child] = {}
        self._buffers: dict[int, bytes] = {}
        self._seals: dict[int, Future[SealSeen]] = {}
        self._statuses: dict[int, int] = {}
        self._pool = ThreadPoolExecutor(4)
        self._selector = selectors.DefaultSelector()
        if environment.progress_fd is not None:
            # We only write to this pipe: it becomes "readable" when its reader has gone.
            self._selector.register(environment.progress_fd, selectors.EVENT_READ, _RUNNER)
        self._log = TerminationLog(environment.termination_log)
        self._reporters = open_reporters(environment)

    def run(self) -> int:
        """Until every child has ended and every claimed seal was read."""
        with _signals(self._selector) as stop_requested:
            self._start_all()
            # Beside the children: a shard that is sealed already must end within seconds.
            first_looks = {
                watch.shard: self._pool.submit(read_seal, self._environment, watch.shard)
                for watch in self._pod.watches
            }
            while self._pod.running:
                self._listen(timeout=_TICK_SECONDS)
                if stop_requested():
                    self._stop_all()
                self._end_sealed(first_looks)
                self._check_clocks()
                self._reap()
                self._report()
        return self._finish()

    def _start_all(self) -> None:
        shards = self._environment.shards_of_worker()
        allowed, cpu_limit = os.sched_getaffinity(0), cpu_cores.limit()
        for number, shard in enumerate(shards):
            mine = cpu_cores.share(allowed, number, len(shards))
            omp = cpu_cores.environment(len(mine), len(shards), cpu_limit, self._environ)
            watch = Watch(shard, self._clock())
            self._pod.watches.append(watch)
            gpu = gpu_of(number, len(shards), self._environ) if self._environment.gpus else {}
            try:
                child = start(shard, self._command, {**self._environ, **gpu, **omp})
            except OSError as error:
                watch.code, watch.sentence = start_failure(self._command, error)
                continue
            cpu_cores.pin(child.process.pid, mine)
            self._children[shard] = child
            self._buffers[shard] = b""
            self._selector.register(child.connection, selectors.EVENT_READ, watch)

    def _listen(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, Watch):
                self._read(key.data)
            elif key.data is _RUNNER:
                self._abandon()
            else:
                with contextlib.suppress(BlockingIOError):
                    os.read(key.fd, 512)

    def _abandon(self) -> None:
        """The local runner is dead, and nobody will hear how this ends: as if we had died too."""
        for watch in self._pod.running:
            self._kill(watch)
        os._exit(ExitCode.OTHER)

    def _read(self, watch: Watch) -> None:
        connection = self._children[watch.shard].connection
        try:
            data = connection.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(connection)
            connection.close()
            return
        *lines, rest = (self._buffers[watch.shard] + data).split(b"\n")
        self._buffers[watch.shard] = rest[-_MAX_LINE:]
        for line in lines:
            self._take(watch, line)

    def _take(self, watch: Watch, line: bytes) -> None:
        before = watch.cursor
        try:
            watch.take(decode(line), self._clock())
        except ValidationError:
            print(f"agent: a control message was not understood: {line[:200]!r}", file=sys.stderr)
            return
        if watch.cursor != before or watch.sealed:
            self._log.write(self._pod)

    def _report(self) -> None:
        if self._reporters:
            report = self._pod.as_report()
            for one in self._reporters:
                one.report(report)

    def _stop_all(self) -> None:
        if self._pod.stop_since is not None:
            return
        self._pod.stop_since = self._clock()
        for watch in self._pod.running:
            self._ask_to_stop(watch, "stopped")

    def _ask_to_stop(self, watch: Watch, reason: str) -> None:
        if watch.phase == "starting":
            # Nothing is lost before the first batch, and a model may load for minutes.
            watch.killed = "stopped" if reason == "stopped" else "sibling"
            self._kill(watch)
            return
        with contextlib.suppress(OSError):
            self._children[watch.shard].connection.send(encode(Stop()))

    def _end_sealed(self, looks: dict[int, "Future[SealSeen]"]) -> None:
        for watch in self._pod.running:
            look = looks.get(watch.shard)
            if look is not None and look.done():
                del looks[watch.shard]
                if look.result().outcome in ("complete", "abandoned") and watch.killed is None:
                    watch.killed = "sealed"
                    self._kill(watch)

    def _check_clocks(self) -> None:
        now, limits = self._clock(), self._environment
        over = self._pod.grace_over(now, limits.grace_seconds)
        for watch in self._pod.running:
            if watch.killed is not None or watch.shard in self._statuses:
                continue
            if over:
                watch.killed = "stopped"
                self._kill(watch)
            elif watch.stalled(
                now, start_seconds=limits.start_seconds, stall_seconds=limits.stall_seconds
            ):
                watch.killed = "stalled"
                self._dump(watch)
                self._kill(watch)

    def _dump(self, watch: Watch) -> None:
        """Have faulthandler write all stacks, also if C code holds the GIL."""
        if watch.pid is None or watch.dump_signal is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(watch.pid, watch.dump_signal)
            time.sleep(_DUMP_SECONDS)

    def _kill(self, watch: Watch) -> None:
        kill_session(self._children[watch.shard].process.pid)

    def _reap(self) -> None:
        for watch in self._pod.running:
            shard = watch.shard
            if shard not in self._statuses:
                status = self._children[shard].process.poll()
                if status is None:
                    continue
                self._drain(watch)
                self._statuses[shard] = status
                self._children[shard].end()
                self._seals[shard] = self._pool.submit(read_seal, self._environment, shard)
            over = self._pod.grace_over(self._clock(), self._environment.grace_seconds)
            if over or self._seals[shard].done():
                self._conclude(watch)

    def _drain(self, watch: Watch) -> None:
        """Read what the child said last; its end may be open still in a process it left."""
        connection = self._children[watch.shard].connection
        while connection.fileno() >= 0:
            known = len(self._buffers[watch.shard]), watch.heard
            self._read(watch)
            if (len(self._buffers[watch.shard]), watch.heard) == known:
                return

    def _conclude(self, watch: Watch) -> None:
        stopping, look = self._pod.stop_since is not None, self._seals[watch.shard]
        # A store that does not answer must not hold us past the grace: we would be killed, counted.
        seal = look.result() if look.done() else SealSeen("unreadable")
        missing = missing_script(self._command, Path.cwd())
        watch.missing = None if missing is None else str(missing)
        watch.end(self._statuses[watch.shard], seal, stopping=stopping)
        self._log.write(self._pod)
        if watch.code not in LEAVES_SIBLINGS_RUNNING:
            for sibling in self._pod.running:
                self._ask_to_stop(sibling, "sibling")

    def _finish(self) -> int:
        self._pool.shutdown(wait=False, cancel_futures=True)
        code = combine(watch.code or 0 for watch in self._pod.watches)
        worst = [watch.sentence for watch in self._pod.watches if watch.code == code]
        message = one_line(worst[0] if worst else "no shard is left for this worker")
        # Before the last report, which may take a second: a kill meanwhile must find the message.
        self._log.write(self._pod, code=code, message=message)
        for one in self._reporters:
            one.last(self._pod.as_report())
        print(message, file=sys.stderr, flush=True)
        return code


@contextlib.contextmanager
def _signals(selector: selectors.BaseSelector) -> Iterator[Callable[[], bool]]:
    """SIGTERM and SIGINT as a flag that also wakes the selector."""
    seen: list[int] = []
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    selector.register(reader, selectors.EVENT_READ)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: seen.append(got))
    # A child's end must wake us too.
    signal.signal(signal.SIGCHLD, lambda _got, _frame: None)
    try:
        yield lambda: bool(seen)
    finally:
        signal.set_wakeup_fd(-1)
        selector.unregister(reader)
        reader.close()
        writer.close()
