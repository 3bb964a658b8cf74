"""The workflow that publishes says that it has not run, and holds no more rights than it needs."""

import re
from typing import Any

import pytest
import yaml

from support.pages import ROOT

PATH = ROOT / ".github" / "workflows" / "release.yml"


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    read: dict[Any, Any] = yaml.safe_load(PATH.read_text())
    return read


def test_it_says_that_it_has_not_run() -> None:
    assert "NOT RUN YET" in PATH.read_text().splitlines()[0]
    assert "It has not\nrun yet" in (ROOT / "docs" / "releases.md").read_text()


def test_a_tag_alone_starts_it_and_rights_are_named(workflow: dict[Any, Any]) -> None:
    # YAML 1.1 takes `on` for a boolean.
    assert workflow[True] == {"push": {"tags": ["v*"]}}
    assert workflow["permissions"] == {}
    (job,) = workflow["jobs"].values()
    assert {name for name, kind in job["permissions"].items() if kind == "write"} == {
        "contents",
        "packages",
        "id-token",
        "attestations",
    }


def test_what_a_stranger_may_name_is_never_part_of_a_script(workflow: dict[Any, Any]) -> None:
    (job,) = workflow["jobs"].values()
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert len(scripts) >= 5
    assert not [one for one in scripts if "${{" in one]


def test_its_targets_and_files_are_those_of_the_makefile(workflow: dict[Any, Any]) -> None:
    (job,) = workflow["jobs"].values()
    text = "\n".join(step.get("run", "") for step in job["steps"])
    targets = re.findall(r"\bmake (\w[\w-]*)", text)
    makefile = (ROOT / "Makefile").read_text()
    assert targets == ["dist"]
    assert all(re.search(rf"^{one}:", makefile, re.M) for one in targets)
    assert (ROOT / ".ci" / "run").exists()
