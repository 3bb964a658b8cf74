"""docs/storage.md: an S3 server on this machine, by the lines of the page."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from support.pages import ROOT, read_page, section
from testcluster.machine.ports import free_port

pytestmark = pytest.mark.slow
LINES = re.findall(
    r"```console\n(.*?)```",
    section(read_page("storage.md"), "S3 on this machine, to try it"),
    re.DOTALL,
)[0]


def test_a_job_runs_on_the_server_that_the_page_starts(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?class Doubler.*?)```", readme, re.DOTALL)
    (job,) = re.findall(r"```yaml\n(.*?name: doubler.*?)```", readme, re.DOTALL)
    (tmp_path / "inference.py").write_text(code)
    (tmp_path / "job.yaml").write_text(f"{job}  output: {{uri: s3://work/runs}}\n")
    made, *typed = LINES.splitlines()
    assert made.startswith("make .cache/bin/versitygw ")
    script = (
        "\n".join(typed).replace("7070", str(free_port())).replace("/tmp/s3", str(tmp_path / "s3"))
    )
    script = script.replace(".cache/bin/", f"{ROOT}/.cache/bin/")
    # The server listens before the next line is typed by a person.
    script = re.sub(r"(posix .*&)", r"\1\nserver=$!\ntrap 'kill $server' EXIT\nsleep 1", script)
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("state: complete") == 2
    assert (tmp_path / "s3" / "work" / "runs" / "doubler").is_dir()
