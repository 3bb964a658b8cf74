"""The first half of docs/quickstart.md: what a newcomer types without a cluster, as it is printed.

The second half is a test of tests/system/cluster/test_person.py.
"""

import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from support.pages import ROOT
from support.quickstart import OPERATOR, PAGE, WORKER, blocks, write_files
from support.script_runs import Script, script
from testcluster.containers import images

BATCHPROCESS = Path(sys.executable).parent / "batchprocess"
STOPPED = 85
__all__ = ["script"]


def test_what_is_installed_are_extras_of_this_package() -> None:
    installing, _ = blocks("On your machine")
    (words,) = (shlex.split(line) for line in installing if line.startswith("pip "))
    assert words[:-1] == ["pip", "install"]
    extras = words[-1].removeprefix(".[").removesuffix("]").split(",")
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras) <= known["optional-dependencies"].keys()


def test_images_are_pushed_and_used_by_the_names_that_they_are_built_with() -> None:
    building, _ = blocks("On a cluster")
    for line, image in zip(building, [OPERATOR, WORKER] * 2, strict=True):
        assert image in shlex.split(line)
    assert f"image: {WORKER}\n" in PAGE
    assert f"with `{images.WORKER.name}` as its image" in PAGE


@pytest.mark.slow
def test_a_job_is_stopped_goes_on_and_gives_the_table_that_is_shown(script: Script) -> None:
    write_files(script.folder)
    _, typed = blocks("On your machine")
    commands = [shlex.split(line)[1:] for line in typed]
    assert [one[0] for one in commands] == [
        *("plan", "run", "status", "run", "results", "verify"),
    ]
    table = script.folder / "labels.csv"
    plan, run, status, again, results, verify = commands
    assert "rows: 10000\n" in done(script, plan)
    assert interrupted(script, run) == STOPPED
    assert "state: incomplete" in done(script, status)
    assert "state: complete" in done(script, again)
    done(script, [str(table) if word == "/tmp/labels.csv" else word for word in results])
    assert done(script, verify).endswith(" 0 problems\n")
    (shown,) = re.findall(r'\n```\n("id".*?)```', PAGE, re.DOTALL)
    head = shown.splitlines()
    rows = table.read_text().splitlines()
    assert len(rows) == 10_001
    assert columns(rows[: len(head)]) == columns(head)


def done(script: Script, command: list[str]) -> str:
    """What it says; it does not fail."""
    ended = script.new_interpreter(str(BATCHPROCESS), *command)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def interrupted(script: Script, command: list[str]) -> int:
    """How it ends if Ctrl-C is pressed once a shard is complete."""
    with subprocess.Popen(
        [str(BATCHPROCESS), *command], cwd=script.folder, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "is complete" in line:
                process.send_signal(signal.SIGINT)
                break
        process.stderr.read()
        return process.wait()


def columns(lines: list[str]) -> list[tuple[str, ...]]:
    """Ids and labels: of the scores the last digits are the machine's."""
    return [tuple(line.split(",")[:2]) for line in lines]
