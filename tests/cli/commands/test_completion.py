"""Shells complete commands, options and files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import Command

PROGRAM = Path(sys.executable).parent / "batchprocess"
ASKS = {
    "bash": "COMP_WORDS=(batchprocess {words}); COMP_CWORD={at}; "
    "_batchprocess_completion batchprocess; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
}


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_code_for_a_shell_is_taken_by_it(shell: str, batchprocess: Command) -> None:
    said = batchprocess("completion", shell)
    assert "_BATCHPROCESS_COMPLETE" in said.out
    if shutil.which(shell):  # a machine has not all of them
        subprocess.run([shell, "-n"], input=said.out, text=True, check=True)


@pytest.mark.parametrize(
    ("words", "at", "found"),
    [
        ("wat", 1, ["watch"]),
        ("submit --wa", 2, ["--wait"]),
        ("get -o ''", 3, ["json", "yaml", "name"]),
    ],
)
@pytest.mark.slow
def test_bash_completes_commands_options_and_values(
    words: str, at: int, found: list[str], batchprocess: Command
) -> None:
    code = batchprocess("completion", "bash").out
    environ = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", code + ASKS["bash"].format(words=words, at=at)],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == found, done.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.slow
def test_other_shells_are_answered(shell: str) -> None:
    asked = {"COMP_WORDS": "batchprocess wat", "COMP_CWORD": "1" if shell == "zsh" else "wat"}
    done = subprocess.run(
        [PROGRAM],
        env={**os.environ, **asked, "_BATCHPROCESS_COMPLETE": f"{shell}_complete"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "watch" in done.stdout, done.stderr
