"""What is wrong with a job file is told with its line."""

import pytest

from system.scripts.conftest import Script


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "plan", "status"])
def test_a_wrong_job_file_is_told_with_its_line(script: Script, command: str) -> None:
    script.write(
        "job.yaml", "apiVersion: batchprocess.dev/v1alpha1\nkind: BatchProcessJob\nspec: [\n"
    )
    done = script.batchprocess(command, "job.yaml")
    assert done.returncode == 91
    assert done.stderr.startswith("error: job.yaml, line 4: this is not YAML")
