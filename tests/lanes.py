"""Run make targets beside one another: `python3 -P tests/lanes.py TARGET[:NICENESS] ...`.

What a target prints goes to `.cache/logs/TARGET.log`. While it runs, a line each half minute tells
where it is; at its end its closing lines are shown, and everything if it failed. The higher its
niceness, the more it leaves the processors to others. The exit status is 0 if all ended with 0.
An interrupt and SIGTERM interrupt them all, and wait for them: tests take their clusters down.

Needs nothing but Python.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TELL_SECONDS = 30.0
GRACE_SECONDS = 120.0
WIDTH = 90
PERCENT = re.compile(r"\[ *(\d+%)\]$", re.MULTILINE)
SUMMARY = "short test summary info"
LOGS = Path(".cache/logs")


@dataclass
class Lane:
    """One command that runs beside others, in a group of its own, with its output in `log`."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    begun: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, name: str, command: Sequence[str], log: Path) -> "Lane":
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        return cls(name, process, log)

    def now(self) -> str:
        """Where it is, in one line: the last that it said, and the share that pytest told last."""
        lines = self._lines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "begins")
        shares = PERCENT.findall("\n".join(lines))
        return self._said(f"{shares[-1] if shares else ''} {last[-WIDTH:]}".strip())

    def end(self) -> str:
        """How it ended: all that a failure printed, otherwise pytest's summary and last line."""
        lines, status = self._lines(), self.process.returncode
        if status:
            return "\n".join([*lines, self._said(f"FAILED with status {status}; see above")])
        summaries = [n for n, line in enumerate(lines) if SUMMARY in line]
        closing = lines[summaries[-1] + 1 :] if summaries else lines[-1:]
        return "\n".join(self._said(line) for line in [*closing, "ended well"])

    def interrupt(self, number: int) -> None:
        """Send a signal to all that it has started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def _said(self, line: str) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self.begun), 60)
        return f"[{self.name} {minutes}:{seconds:02}] {line}"

    def _lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()


def run(commands: Mapping[str, Sequence[str]], logs: Path, every: float = TELL_SECONDS) -> bool:
    """All commands at once; whether all of them ended with 0."""
    logs.mkdir(parents=True, exist_ok=True)
    lanes: list[Lane] = []
    try:
        for name, command in commands.items():
            lanes.append(Lane.start(name, command, logs / f"{name}.log"))
            print(f"[{name}] begins: {lanes[-1].log} has what it says", flush=True)
        _watch(lanes, every)
    finally:
        _end([lane for lane in lanes if lane.process.returncode is None])
    return all(lane.process.returncode == 0 for lane in lanes)


def _watch(lanes: Sequence[Lane], every: float) -> None:
    running, told = list(lanes), time.monotonic()
    while running:
        time.sleep(0.1)
        for lane in [one for one in running if one.process.poll() is not None]:
            running.remove(lane)
            print(lane.end(), flush=True)
        if time.monotonic() - told >= every:
            told = time.monotonic()
            print("\n".join(lane.now() for lane in running), flush=True)


def _end(running: Sequence[Lane]) -> None:
    """Interrupt what still runs, as a terminal would; kill what does not end by that."""
    for lane in running:
        lane.interrupt(signal.SIGINT)
    deadline = time.monotonic() + GRACE_SECONDS
    for lane in running:
        try:
            lane.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            lane.interrupt(signal.SIGKILL)
            lane.process.wait()
        print(lane.end(), flush=True)


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="lanes.py", description=__doc__)
    parser.add_argument("targets", nargs="+", metavar="TARGET[:NICENESS]")
    given = parser.parse_args(arguments)
    # They are no part of a parallel make's accounting of jobs.
    make = ("env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "make", "--no-print-directory")
    commands = {}
    for target in given.targets:
        name, _, niceness = target.partition(":")
        commands[name] = ["nice", "-n", niceness or "0", *make, name]
    # As interrupts, so that the lanes are ended too; and what we ignore, they would ignore.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        return 0 if run(commands, LOGS) else 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
