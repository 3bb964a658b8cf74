"""examples/kind: docs/install.md has people type what its script does, and shells take both."""

import re
import shlex
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.pages import ROOT, read_page, section

EXAMPLE = ROOT / "examples" / "kind"
SCRIPTS = sorted(path for folder in ("examples", "tests") for path in (ROOT / folder).rglob("*.sh"))
PROGRAMS = ("docker", "helm", "kind", "kubectl")
FAKE = """#!/bin/sh
for word in "$(basename "$0")" "$@"; do printf '%s\\0' "$word"; done >> "$RECORD"
printf '\\n' >> "$RECORD"
"""


@pytest.fixture
def fake_programs(tmp_path: Path) -> dict[str, str]:
    """An environment in which programs only write down how they were called."""
    folder = tmp_path / "fakes"
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).write_text(FAKE)
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "RECORD": str(tmp_path / "record")}


def run(env: dict[str, str]) -> tuple[list[list[str]], str]:
    """All commands, and what the script printed."""
    command = [str(EXAMPLE / "up.sh")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    record = Path(env["RECORD"]).read_text().splitlines()
    return [line.rstrip("\0").split("\0") for line in record], done.stdout


def typed(text: str) -> Iterator[list[str]]:
    """Commands as somebody copies them, without comments."""
    for line in text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def alike(command: list[str]) -> list[str]:
    """Without the context, which `kind create cluster` has made the current one; no key's value."""
    said = re.sub(r" --(kube-)?context \S+", "", " ".join(command))
    return re.sub(r"(SECRET_ACCESS_KEY=).*", r"\1...", said).split()


def test_the_page_and_the_script_say_the_same(fake_programs: dict[str, str]) -> None:
    (block,) = re.findall(
        r"```console\n(.*?)```", section(read_page("install.md"), "On kind"), re.S
    )
    done, printed = run(fake_programs)
    (job,) = re.findall(r"\n\n((?:  .*\n)+)", printed)
    chosen, *rest = typed(job)
    assert chosen == ["kubectl", "config", "use-context", "kind-batchprocess"]
    assert [alike(one) for one in typed(block)] == [alike(one) for one in (*done, *rest)]


def test_each_command_after_the_cluster_goes_to_that_cluster(fake_programs: dict[str, str]) -> None:
    done, _ = run(fake_programs | {"KIND_CLUSTER": "other"})
    assert {one[one.index("--name") + 1] for one in done if one[0] == "kind"} == {"other"}
    contexts = [
        one[one.index("--kube-context" if one[0] == "helm" else "--context") + 1]
        for one in done
        if one[0] in ("helm", "kubectl")
    ]
    assert set(contexts) == {"kind-other"}


def test_what_the_environment_names_is_taken(fake_programs: dict[str, str]) -> None:
    env = fake_programs | {"WORKER_BASE": "torch:1", "KIND_CONFIG": "mine.yaml"}
    done, _ = run(env)
    assert done[1][4:6] == ["--build-arg", "BASE=torch:1"]
    (create,) = [one for one in done if one[:3] == ["kind", "create", "cluster"]]
    assert create[create.index("--config") + 1] == "mine.yaml"
    Path(env["RECORD"]).unlink()
    again, _ = run(env | {"KIND_BUILD": "no"})
    assert [one for one in again if one[0] == "docker"] == []


def test_a_program_that_is_not_there_is_named(fake_programs: dict[str, str]) -> None:
    Path(fake_programs["PATH"].partition(":")[0], "kind").unlink()
    command = [str(EXAMPLE / "up.sh")]
    done = subprocess.run(command, env=fake_programs, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("kind is not installed\n")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_shellcheck_finds_nothing(script: Path) -> None:
    shellcheck = Path(sysconfig.get_path("scripts"), "shellcheck")
    done = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
