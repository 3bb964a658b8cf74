"""A long step is never silent, and its command's status and last words are not lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testcluster.step import duration, heartbeat, run, step
from testcluster.tools import ROOT

SCRIPT = (sys.executable, "-P", str(ROOT / "testcluster" / "step.py"))


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (273, "4 min 33 s")]
)
def test_a_duration_is_told_as_a_person_says_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_heart_beats_while_the_block_runs_and_no_longer() -> None:
    beats: list[float] = []
    with heartbeat(beats.append, every=0.01):
        while len(beats) < 3:
            time.sleep(0.01)
    during = len(beats)
    time.sleep(0.1)

    assert len(beats) == during
    assert beats == sorted(beats)


def test_a_step_says_how_long_it_will_take_and_took() -> None:
    said: list[str] = []
    with step("base", "a minute", said.append):
        pass

    assert said == ["base: takes about a minute", "base: done in 0 s"]


def test_a_step_that_lasts_says_so_meanwhile() -> None:
    said: list[str] = []
    with step("base", "a minute", said.append, every=0.01):
        while len(said) < 2:
            time.sleep(0.01)

    assert said[1] == "base: 0 s so far"


def test_a_step_that_fails_is_not_done() -> None:
    said: list[str] = []
    with pytest.raises(OSError, match="full"), step("base", "a minute", said.append):
        raise OSError("the disk is full")

    assert said == ["base: takes about a minute"]


def test_a_commands_last_line_says_how_far_it_is(tmp_path: Path) -> None:
    said: list[str] = []
    go_on = tmp_path / "go on"

    def say(line: str) -> None:
        said.append(line)
        if "second" in line:
            go_on.touch()

    waits = f"echo first; echo second; until test -e '{go_on}'; do sleep 0.01; done"
    log = tmp_path / "logs" / "build.log"
    status = run("build", "a minute", ["bash", "-c", waits], log, say, every=0.01)

    assert status == 0
    assert said[0] == "build: takes about a minute"
    assert "build: 0 s so far; second" in said
    assert said[-1].startswith("build: done in ")
    assert log.read_text() == "first\nsecond\n"


def test_a_failing_commands_output_is_shown_and_its_status_kept(tmp_path: Path) -> None:
    said: list[str] = []
    log = tmp_path / "build.log"
    status = run("build", "a minute", ["bash", "-c", "echo why >&2; exit 3"], log, said.append)

    assert status == 3
    assert said[-1] == f"why\nbuild: failed after 0 s; what it said is above and in {log}"


def test_a_command_that_a_signal_ends_has_a_shells_status(tmp_path: Path) -> None:
    killed = ["bash", "-c", "kill -KILL $$"]
    assert run("build", "a minute", killed, tmp_path / "log", lambda _: None) == 137


def test_as_a_program_it_needs_nothing_but_python(tmp_path: Path) -> None:
    argv = ("--log", str(tmp_path / "log"), "greeting", "no time", "sh", "-c", "echo hello; exit 4")
    isolated = (sys.executable, "-I", *SCRIPT[1:], *argv)
    done = subprocess.run(isolated, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (4, "")
    assert done.stdout.splitlines()[:2] == ["greeting: takes about no time", "hello"]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_an_ended_step_takes_its_command_with_it(tmp_path: Path, sign: signal.Signals) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    command = ("sh", "-c", f"exec 3>'{fifo}'; echo runs >&3; exec sleep 600")
    argv = (*SCRIPT, "--log", str(tmp_path / "log"), "long", "an hour", *command)
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process, fifo.open() as alive:
        assert alive.readline() == "runs\n"
        process.send_signal(sign)
        # Read to its end once nobody is left who could write: the command is gone.
        assert alive.read() == ""

    assert process.returncode == 128 + sign
