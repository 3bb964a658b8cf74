"""One agent on this machine, and how it ended."""

import signal
import subprocess
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from batchprocess.protocol.termination import Termination


@dataclass
class AgentProcess:
    """One agent process; `reports` is our end of its progress pipe.

    `name` is for people, who know shards by number: a run that goes on counts its workers anew.
    `unfinished` has, for each pipe, the beginning of a line whose end has not come.
    """

    index: int
    name: str
    process: "subprocess.Popen[bytes]"
    reports: int
    log: Path
    unfinished: dict[int, bytes] = field(default_factory=dict)
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=2))

    def last_line_besides(self, message: str) -> str:
        """The last line of its output that is not its own `message`."""
        return next((line for line in reversed(self.last_lines) if line != message), "")

    def how_it_ended(self) -> str:
        """For a person, where it could not say so itself; its process has ended."""
        status = self.process.returncode
        if status >= 0:
            return f"it ended with code {status}"
        known = {int(one): one.name for one in signal.Signals}
        return f"its worker was killed by {known.get(-status, f'signal {-status}')}"

    def termination(self) -> Termination:
        """Its last message; empty if it was killed before its first, or in the middle of one."""
        try:
            return Termination.model_validate_json(self.log.read_bytes())
        except (FileNotFoundError, ValidationError):
            return Termination()
