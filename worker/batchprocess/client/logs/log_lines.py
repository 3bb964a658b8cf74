"""Lines of a pod's log with the time that the node has written before each. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from batchprocess.client.logs.log_pods import LogPod
from batchprocess.plain_text import plain_line

MAX_LINE = 16 << 10
"""Bytes. A container runtime cuts its lines there, too."""
_NO_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LogLine:
    """A line of a pod; `text` has nothing in it that a terminal would obey."""

    pod: LogPod
    time: datetime
    text: str

    def __str__(self) -> str:
        return f"[{self.pod.label}] {self.text}"


def log_line(pod: LogPod, line: bytes, before: datetime = _NO_TIME) -> LogLine:
    """`before`: the time of the line before, which is that of one without a time of its own.

    Of what a progress bar has drawn over itself, its last state.
    """
    stamp, _, text = line.decode(errors="replace").partition(" ")
    time = _time(stamp)
    if time is None:
        time, text = before, f"{stamp} {text}"
    last = text.rstrip("\r").rpartition("\r")[2]
    return LogLine(pod, time, plain_line(last, MAX_LINE).rstrip())


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Resumption:
    """Where a log was broken off, so that what is sent again is told once.

    Kubernetes sends again from the beginning of a second.
    """

    def __init__(self) -> None:
        self._last, self._at_last = _NO_TIME, 0
        self._again = 0
        self._resending = False

    @property
    def since(self) -> str | None:
        """`sinceTime` of the next request; None for the whole log."""
        return None if self._last == _NO_TIME else self._last.strftime("%Y-%m-%dT%H:%M:%SZ")

    def begin(self) -> None:
        """A request for what comes from `since` on is sent."""
        self._again, self._resending = self._at_last, self._last != _NO_TIME

    def new(self, lines: Iterable[LogLine]) -> Iterator[LogLine]:
        """Those that have not been told before."""
        for line in lines:
            if self._resending and self._was_told(line):
                continue
            # From here on all is new, though a node's clock be set back.
            self._resending = False
            self._at_last = self._at_last + 1 if line.time == self._last else 1
            self._last = line.time
            yield line

    def _was_told(self, line: LogLine) -> bool:
        if line.time == self._last and self._again > 0:
            self._again -= 1
            return True
        return line.time < self._last
