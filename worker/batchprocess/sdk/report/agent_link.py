"""The child's end of the control socket: reports to the agent, and its requests."""

import faulthandler
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from batchprocess.protocol.bad_rows.isolation import Isolate
from batchprocess.protocol.control import (
    Beat,
    Ending,
    Hello,
    Indexed,
    Outcome,
    Phase,
    Stop,
    decode,
    encode,
)
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.variables import CONTROL_FD
from batchprocess.sdk.report.failure_facts import encodable
from batchprocess.sdk.report.loop_times import Times

_BEAT_SECONDS = 1.0


def dump_signal(signals: Any = signal) -> int:
    """Makes faulthandler write all stacks, also while C code holds the GIL.

    One that nobody uses: on macOS, which has none in real time, the one of Ctrl-T.
    """
    highest: int | None = getattr(signals, "SIGRTMAX", None)
    return int(signals.SIGINFO) if highest is None else highest - 3


@dataclass
class LoopState:
    """Plain attributes that the loop writes and the beat thread reads; a torn read is harmless."""

    shard: int = 0
    phase: Phase = "starting"
    processed: int = 0
    cursor: int = 0
    total: int = 0
    rows: int = 0
    times: Times = field(default_factory=Times)
    moved: float = field(default_factory=time.monotonic)
    stop: bool = False

    def enter(self, phase: Phase) -> None:
        """The loop begins something else; the stall clock starts anew."""
        self.phase = phase
        self.moved = time.monotonic()


class AgentLink:
    """Reports to the agent, or to nobody when a script runs alone.

    `order`: what this process was started for, known once `start_threads` has returned; None: for
    the shard as it stands.
    """

    def __init__(self, state: LoopState, connection: socket.socket | None) -> None:
        self._state = state
        self._connection = connection
        self._process = os.getpid()
        self._lock = threading.Lock()
        self.order: Isolate | None = None

    @classmethod
    def open(cls, state: LoopState, environ: Mapping[str, str]) -> "AgentLink":
        """Greet the agent named in the environment. It has no threads before `start_threads`."""
        if CONTROL_FD not in environ:
            return cls(state, None)
        connection = _inherited(environ[CONTROL_FD])
        link = cls(state, connection)
        faulthandler.register(dump_signal(), all_threads=True, chain=False)
        link.send(Hello(pid=os.getpid(), dump_signal=dump_signal()))
        return link

    def start_threads(self) -> None:
        """Listen to the agent from now on, and send beats; loader workers are forked before."""
        if self._connection is None:
            return
        lines = self._connection.makefile("rb")
        if _has_come(self._connection):
            self._record(lines.readline())
        threading.Thread(target=self._listen, args=(lines,), daemon=True).start()
        threading.Thread(target=self._send_beats_for_ever, daemon=True).start()

    @property
    def connected(self) -> bool:
        """Whether there is an agent."""
        return self._connection is not None

    @property
    def in_forked_child(self) -> bool:
        """Whether user code has forked, and we are the child: its end is not that of the shard."""
        return os.getpid() != self._process

    def send(self, message: BaseModel) -> None:
        """Send a message; a dead agent is noticed by the listener."""
        if self._connection is None or self.in_forked_child:
            return
        try:
            with self._lock:
                self._connection.sendall(encode(message))
        except OSError:
            os._exit(1)

    def report_outcome(self, code: int, message: str) -> None:
        """Why we are about to end."""
        self.send(Outcome(code=code, message=encodable(message)))

    def report_ending(self) -> None:
        """Our script has ended, and so must this process."""
        self.send(Ending())

    def report_indexing(self, done: int, total: int) -> None:
        """How many bytes of the input were looked through; said only when it comes further."""
        self._state.enter("indexing")
        beat = beat_of(self._state, time.monotonic)
        self.send(beat.model_copy(update={"indexed": Indexed(done=done, total=total)}))
        self._state.enter("starting")

    def send_beat(self) -> None:
        """Report where the loop stands, now."""
        self.send(beat_of(self._state, time.monotonic))

    def _listen(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._record(line)
        # End of file: the agent is dead, and nobody will ever ask for our result. An older
        # attempt must not go on beside the one that Kubernetes starts next.
        os._exit(1)

    def _record(self, line: bytes) -> None:
        message = decode(line)
        if isinstance(message, Stop):
            self._state.stop = True
        elif isinstance(message, Isolate):
            self.order = message

    def _send_beats_for_ever(self) -> None:
        while True:
            self.send_beat()
            time.sleep(_BEAT_SECONDS)


def _inherited(number: str) -> socket.socket:
    """The agent's socket; what user code starts by exec does not inherit it once more."""
    try:
        connection = socket.socket(fileno=int(number))
    except (OSError, ValueError) as error:
        raise InvalidArgument(
            f"{CONTROL_FD}={number} is no open socket here ({error}): the command must start "
            "Python itself or by a shell, not by a launcher that closes file descriptors"
        ) from error
    connection.set_inheritable(False)
    return connection


def _has_come(connection: socket.socket) -> bool:
    """Whether a message is there: an order was sent before this process was started."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return False


def beat_of(state: LoopState, clock: Callable[[], float]) -> Beat:
    """The state as a message."""
    return Beat(
        shard=state.shard,
        phase=state.phase,
        since=max(0.0, clock() - state.moved),
        processed=state.processed,
        cursor=state.cursor,
        total=state.total,
        rows=state.rows,
        spent=state.times.spent(),
    )
