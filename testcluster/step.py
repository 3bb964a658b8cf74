"""One step of something long: about how long it takes, and a line of how far it is now and then.

    python3 -P testcluster/step.py --log FILE TITLE ABOUT COMMAND ...

runs a command whose output goes to FILE, so that steps beside one another stay readable: every line
is whole, and begins with its step's title. Of a command that fails the end of FILE is shown.

Needs nothing but Python: the first step of all installs the packages. And it needs -P: Python would
look for its own module `operator` in this folder first.
"""

import argparse
import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

BEAT_SECONDS = 30.0
TAIL_LINES = 40
WIDTH = 70
Say = Callable[[str], None]


@contextlib.contextmanager
def heartbeat(beat: Callable[[float], None], every: float = BEAT_SECONDS) -> Iterator[None]:
    """Call `beat` with the seconds since the start, every so many seconds while the block runs."""
    began, over = time.monotonic(), threading.Event()

    def run() -> None:
        while not over.wait(every):
            beat(time.monotonic() - began)

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def step(title: str, about: str, say: Say, every: float = BEAT_SECONDS) -> Iterator[None]:
    """Say that the block begins, every so many seconds that it lasts, and how long it took."""
    began = time.monotonic()
    say(f"{title}: takes about {about}")
    with heartbeat(lambda seconds: say(f"{title}: {duration(seconds)} so far"), every):
        yield
    say(f"{title}: done in {duration(time.monotonic() - began)}")


def run(
    title: str, about: str, command: Sequence[str], log: Path, say: Say, every: float = BEAT_SECONDS
) -> int:
    """The same for a command whose output goes to `log`; its exit status, as a shell has it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    say(f"{title}: takes about {about}")

    def beat(seconds: float) -> None:
        say(f"{title}: {duration(seconds)} so far{_doing(log)}")

    with log.open("wb") as out, heartbeat(beat, every):
        status = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        ).returncode
    took = duration(time.monotonic() - began)
    if status:
        end = "\n".join(_lines(log)[-TAIL_LINES:])
        say(f"{end}\n{title}: failed after {took}; what it said is above and in {log}")
    else:
        say(f"{title}: done in {took}")
    return status if status >= 0 else 128 - status


def duration(seconds: float) -> str:
    """As a person says it: `45 s`, `4 min 33 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _doing(log: Path) -> str:
    """The last line of the output so far."""
    lines = _lines(log)
    return f"; {lines[-1][:WIDTH]}" if lines else ""


def _lines(log: Path) -> list[str]:
    """The last lines that are not empty."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
        text = file.read().decode(errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status of the command."""
    parser = argparse.ArgumentParser(prog="step.py", description=__doc__)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("title")
    parser.add_argument("about")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    # As an exception, so that the command is ended too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    say = functools.partial(print, flush=True)
    try:
        return run(given.title, given.about, given.command, given.log, say)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
