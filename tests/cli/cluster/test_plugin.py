"""kubectl finds the verbs, and completes them."""

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from batchprocess.cli.cluster.plugin import completions
from support.pages import ROOT

KUBECTL = ROOT / ".cache" / "bin" / "kubectl"


def scripts() -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "scripts"
    ]
    return found


def test_the_package_brings_the_program_under_the_names_that_kubectl_looks_for() -> None:
    assert {"kubectl-batchprocess", "kubectl_complete-batchprocess"} < set(scripts())
    for target in scripts().values():
        module, _, name = target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_verbs_and_options_are_completed_without_files_and_a_job_with_them() -> None:
    line, directive = completions(["wat"])
    assert (line.partition("\t")[0], directive) == ("watch", ":4")
    assert completions(["get", "-o", "y"]) == ["yaml", ":4"]
    assert completions(["submit", ""]) == [":0"]
    assert completions([])[-1] == ":4"


@pytest.mark.slow
@pytest.mark.skipif(not KUBECTL.exists(), reason="kubectl is not built")
def test_a_real_kubectl_runs_and_completes_it(tmp_path: Path) -> None:
    for name, target in scripts().items():
        module, _, function = target.partition(":")
        code = f"#!{sys.executable}\nfrom {module} import {function}\n{function}()\n"
        (tmp_path / name).write_text(code)
        (tmp_path / name).chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def kubectl(*words: str) -> str:
        done = subprocess.run(
            [KUBECTL, *words], env=environ, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert kubectl("batchprocess", "watch", "-h").startswith("Usage: kubectl batchprocess watch")
    assert "suspend" in kubectl("__complete", "batchprocess", "sus").splitlines()[0]
