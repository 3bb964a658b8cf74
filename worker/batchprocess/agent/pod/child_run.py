"""One child while it runs: its process, its socket, and the look-ups of its seal."""

import contextlib
import os
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, NamedTuple

from batchprocess.agent.pod.child_watch import Reason, SealSeen, Watch
from batchprocess.agent.processes import Child, kill_session
from batchprocess.protocol.control import Stop, encode

DUMP_SECONDS = 1.0
MAX_LINE = 1 << 20


class Ended(NamedTuple):
    """The process has ended with `status`; `seal` is being read."""

    status: int
    seal: "Future[SealSeen]"


@dataclass
class ChildRun:
    """A child that was started, and what is known of it (`watch`).

    `unread`: the beginning of a line whose end has not come. `first_seal`: what storage said of
    the shard when the child was started, until it was acted on.
    """

    watch: Watch
    child: Child
    unread: bytes = b""
    disconnected: bool = False
    first_seal: "Future[SealSeen] | None" = None
    ended: Ended | None = None

    @property
    def pid(self) -> int | None:
        """Of its process; None once its status is known, for others may get the number then."""
        process = self.child.process
        return process.pid if process.returncode is None else None

    def receive(self) -> list[bytes] | None:
        """Whole lines that have come; None where nothing has, and at the socket's end."""
        try:
            data = self.child.connection.recv(65_536)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        if not data:
            self.disconnected = True
            return None
        *lines, rest = (self.unread + data).split(b"\n")
        self.unread = rest[-MAX_LINE:]
        return lines

    def kill(self, reason: Reason) -> None:
        """End everything in its session; `reason` is what its verdict will be about."""
        self.watch.killed = reason
        kill_session(self.child.process.pid)

    def end_stalled(self, limit: str) -> None:
        """Have it show where it stands, and end it; `limit` is the one that it has passed."""
        self.watch.stall = limit
        self.dump_stacks()
        self.kill("stalled")

    def ask_to_stop(self, reason: Literal["stopped", "sibling"]) -> None:
        """Have it commit and end; before its first batch it is killed.

        Nothing is lost then, and a model may load for minutes.
        """
        self.watch.stop_asked = True
        if self.watch.phase in ("indexing", "starting"):
            self.kill(reason)
            return
        with contextlib.suppress(OSError):
            self.child.connection.send(encode(Stop()))

    def dump_stacks(self) -> None:
        """Have faulthandler write all stacks, also if C code holds the GIL."""
        if self.watch.pid is None or self.watch.dump_signal is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.watch.pid, self.watch.dump_signal)
            time.sleep(DUMP_SECONDS)
