"""Lanes beside one another: what is shown of them, and that they end together."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lanes

GOOD = ["sh", "-c", "echo noise; echo == short test summary info ==; echo SKIPPED one; echo passed"]
BAD = ["sh", "-c", "echo first; echo last; exit 3"]


def test_of_a_good_one_the_closing_lines_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lanes.run({"a": GOOD, "b": ["sh", "-c", "echo noise; echo 2 passed"]}, tmp_path)
    shown = capsys.readouterr().out
    assert "noise" not in shown
    for line in ("[a 0:00] SKIPPED one", "[a 0:00] passed", "[b 0:00] 2 passed"):
        assert line in shown.splitlines()


def test_of_a_failed_one_everything_is_shown_and_the_other_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not lanes.run({"bad": BAD, "good": ["sh", "-c", "sleep 0.3; echo fine"]}, tmp_path)
    shown = capsys.readouterr().out.splitlines()
    at = shown.index("first")
    assert shown[at : at + 3] == ["first", "last", "[bad 0:00] FAILED with status 3; see above"]
    assert "[good 0:00] fine" in shown


def test_what_runs_is_told_now_and_then(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lanes.run({"slow": ["sh", "-c", "echo at work; sleep 0.5; echo end"]}, tmp_path, 0.1)
    assert "[slow 0:00] at work" in capsys.readouterr().out.splitlines()
    dots = ["sh", "-c", "echo '....  [  9%]'; echo '....  [ 18%]'; echo ..; sleep 0.5"]
    assert lanes.run({"dots": dots}, tmp_path, 0.1)
    assert "[dots 0:00] 18% .." in capsys.readouterr().out.splitlines()


MAKEFILE = """
.PHONY: one two
one two:
	sleep 600 & trap "kill $$!; echo cleared; exit 1" INT; echo $$$$ > $@.pid; wait
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_them_all_and_waits_for_them(tmp_path: Path, number: int) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    command = [sys.executable, "-P", lanes.__file__, "one:10", "two"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        pids = [tmp_path / "one.pid", tmp_path / "two.pid"]
        deadline = time.monotonic() + 60
        while not all(path.exists() and path.read_text() for path in pids):
            assert time.monotonic() < deadline, "the targets did not begin"
            time.sleep(0.05)
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines().count("cleared") == 2
    for path in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.read_text()), 0)


def test_niceness_is_that_of_the_target(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("one two:\n\tnice\n")
    command = [sys.executable, "-P", lanes.__file__, "one:10", "two"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.returncode == 0
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    read = {name: (tmp_path / lanes.LOGS / f"{name}.log").read_text() for name in ("one", "two")}
    assert [int(text.split()[-1]) for text in read.values()] == [
        min(mine + 10, 19),
        mine,
    ]
