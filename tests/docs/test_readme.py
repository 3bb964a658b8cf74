"""The README's example does what the README says, copied from there."""

import json
import re
import sys
from pathlib import Path

import pytest

from batchprocess import results
from support.script_runs import Script, script

pytestmark = pytest.mark.slow
README = (Path(__file__).parents[2] / "README.md").read_text()
BATCHPROCESS = Path(sys.executable).parent / "batchprocess"
DOUBLED = [2.0 * row for row in range(100)]
__all__ = ["script"]


def block(language: str, having: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    (found,) = (text for text in blocks if having in text)
    return str(found)


def rows(uri: str) -> list[float]:
    text = b"".join(one.read() for one in results(uri)).decode()
    return [json.loads(line) for line in text.splitlines()]


def test_the_script_alone_and_every_command_on_the_job(script: Script) -> None:
    script.write("inference.py", block("python", "class Doubler"))
    script.write("job.yaml", block("yaml", "name: doubler"))

    alone = script.new_interpreter("inference.py")
    assert alone.returncode == 0, alone.stderr
    folder = script.folder / "batchprocess-runs" / "inference"
    assert "shard 0 begins: 13 batches" in alone.stderr
    assert f"100 rows, 3 files; outputs: {folder}" in alone.stderr
    assert rows(str(folder / (folder / "latest").read_text().strip())) == DOUBLED

    commands = [
        line.partition("#")[0].split()[1:]
        for line in block("console", "batchprocess plan").splitlines()
    ]
    assert [command[0] for command in commands] == [
        *("plan", "run", "status", "results", "verify", "clean")
    ]
    for command in commands:
        done = script.new_interpreter(str(BATCHPROCESS), *command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        assert done.stdout
    folder = script.folder / "batchprocess-runs" / "doubler"
    assert rows(str(folder / (folder / "latest").read_text().strip())) == DOUBLED


def test_the_example_has_thirty_lines_or_fewer() -> None:
    code = [line for line in block("python", "class Doubler").splitlines() if line.strip()]
    assert len(code) <= 30


def test_every_command_that_make_offers_is_a_target() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z][a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
