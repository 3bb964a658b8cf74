"""What all commands have in common: how they end, and what they say then."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from batchprocess.runs.patience import Patience
from batchprocess.storage.local import LocalStorage
from support.commands import Command
from support.script_runs import Script
from support.storage.made_run import complete


@pytest.mark.slow
def test_a_terminal_that_cannot_show_a_name_shows_it_escaped(tmp_path: Path) -> None:
    complete(LocalStorage(tmp_path / "ünï"))
    ascii_only = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [Path(sys.executable).parent / "batchprocess", "status", tmp_path / "ünï"],
        env={**os.environ, **ascii_only},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"\\udcc3" in done.stdout


def test_an_unreachable_store_is_told_in_a_sentence(
    batchprocess: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Loaded first: it makes a Patience of its own, which could not be made below.
    import_module("batchprocess.runs.failure_notes")
    monkeypatch.setattr(Patience, "deadline_seconds", 0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    said = batchprocess("status", "s3://bucket/run")
    assert said.code == 88
    assert said.err.startswith("error: storage has failed")
    assert "Traceback" not in said.err


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(tmp_path: Path) -> None:
    complete(LocalStorage(tmp_path / "run"))
    reader, writer = os.pipe()
    os.close(reader)
    for command in ("status", "results"):
        done = subprocess.run(
            [Path(sys.executable).parent / "batchprocess", command, tmp_path / "run"],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert (done.returncode, done.stderr) == (141, b"")
    os.close(writer)


@pytest.mark.slow
def test_help_loads_neither_torch_nor_boto3(script: Script) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from batchprocess.cli.main import main;"
    )
    code += "r = CliRunner().invoke(main, ['--help']); assert 'Exit codes' in r.output;"
    code += "print([m for m in ('torch', 'boto3', 'pydantic', 'rich') if m in sys.modules])"
    done = script.new_interpreter("-c", code)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.slow
def test_usage_errors_exit_2(script: Script) -> None:
    assert script.batchprocess("run").returncode == 2
    assert script.batchprocess("frobnicate").returncode == 2
