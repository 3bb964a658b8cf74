"""What a person is told of a job's code that gives no answer."""

import sys
from pathlib import Path

import pytest

from batchprocess.api.load_yaml import load_job
from batchprocess.cli.dry_run import count
from batchprocess.protocol.dry_run import DryRunFailure
from batchprocess.protocol.errors import InvalidArgument, StorageUnavailable
from batchprocess.protocol.exit_codes import ExitCode

TRACEBACK = "Traceback (most recent call last):\n  here\nValueError: bad\n"


def asked(folder: Path, script: str, *, compare_only: bool = False) -> None:
    (folder / "script.py").write_text(script)
    text = (
        "apiVersion: batchprocess.dev/v1alpha1\nkind: BatchProcessJob\nmetadata: {name: one}\n"
        f"spec: {{command: [{sys.executable}, script.py], shards: 1}}\n"
    )
    count(load_job(text, "job.yaml"), folder / "job.yaml", compare_only=compare_only)


def failing(code: ExitCode, *, ours: bool) -> str:
    line = DryRunFailure(failed="the sentence", code=code, ours=ours).encode()
    return (
        f"import sys\nsys.stderr.write({TRACEBACK!r})\n"
        "sys.stderr.write('batchprocess: storage has failed for 5 s and is tried again: why\\n')\n"
        f"print('hello')\nprint({line!r})\nsys.exit(1)\n"
    )


@pytest.mark.slow
def test_storage_that_does_not_answer_is_told_while_and_when_it_is_waited_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StorageUnavailable, match="^the sentence$"):
        asked(tmp_path, failing(ExitCode.STORAGE, ours=True))
    said = "batchprocess: storage has failed for 5 s and is tried again: why\n"
    assert capfd.readouterr() == ("", said)


@pytest.mark.slow
def test_an_error_of_user_code_comes_with_its_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidArgument, match="^the sentence$"):
        asked(tmp_path, failing(ExitCode.USER_CODE, ours=False))
    assert TRACEBACK in capsys.readouterr().err


@pytest.mark.slow
def test_who_only_compares_reads_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidArgument, match="^the sentence$"):
        asked(tmp_path, failing(ExitCode.USER_CODE, ours=False), compare_only=True)
    assert TRACEBACK not in capsys.readouterr().err


@pytest.mark.slow
def test_a_script_that_fails_before_the_call_is_shown_with_its_last_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidArgument, match="^the job's code ended with exit code 1: NameError"):
        asked(tmp_path, "undefined_name\n")
    assert 'script.py", line 1' in capsys.readouterr().err
