"""In a pod that plans the address is tried before the job's code is asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from batchprocess.protocol.dry_run import DryRunFailure
from batchprocess.protocol.environment import WorkerEnvironment

pytestmark = pytest.mark.slow
SAYS = ["python", "-c", "import os; print('code', os.environ['BATCHPROCESS_JOB_NAME'])"]


def planned(uri: str, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = WorkerEnvironment(
        job="20260101T000000Z-x", job_name="digits", run_uri=f"{uri}/digits/plan", shards=1
    )
    return subprocess.run(
        [sys.executable, "-m", "batchprocess.agent", "--plan", "--", *command],
        env={**os.environ, **environment.to_env()},
        capture_output=True,
        text=True,
        check=False,
    )


def failure(done: "subprocess.CompletedProcess[str]") -> DryRunFailure:
    found = DryRunFailure.decode(done.stdout.splitlines()[-1])
    assert found is not None, done
    assert found.code == done.returncode
    return found


def test_the_jobs_code_takes_the_place_of_the_agent(tmp_path: Path) -> None:
    done = planned(str(tmp_path), *SAYS)
    assert (done.returncode, done.stdout) == (0, "code digits\n"), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_cannot_be_used_is_told_and_no_code_is_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    said = failure(planned(str(tmp_path / "file"), *SAYS))
    assert said.failed.startswith("the storage cannot be used from the pod: ")
    assert "ftp" in failure(planned("ftp://host/x", *SAYS)).failed


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    said = failure(planned(str(tmp_path), str(tmp_path / "none")))
    assert "cannot be started" in said.failed
