"""Each YAML of pages and examples is one that the API server takes, defaults and rules included."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from support.pages import ROOT
from testcluster import Kubectl

pytestmark = pytest.mark.slow
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
OTHERS = {
    "gitops.md": {"ignoreDifferences"},
    "kubernetes.md": {"ResourceFlavor", "ClusterQueue", "LocalQueue"},
    "pipelines.md": {"Workflow"},
}
"""What is no job, or part of one, by kind or by a key: of Argo CD, Kueue, Argo Workflows."""
DIGITS = (ROOT / "examples" / "digits" / "cluster.yaml").read_text()


def blocks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Page or example, and an object or part of one."""
    for page in PAGES:
        for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S)):
            for one in yaml.safe_load_all(text):
                yield f"{page.name}-{number}", one
    for path in sorted((ROOT / "examples").rglob("*.yaml")):
        for one in yaml.safe_load_all(path.read_text()):
            yield str(path.relative_to(ROOT)), one


def is_of_others(where: str, block: dict[str, Any]) -> bool:
    page = where.rpartition("-")[0]
    names = {block.get("kind"), *block, *block.get("spec", {})}
    return bool(OTHERS.get(page, set()) & names)


JOBS = [(where, one) for where, one in blocks() if one.get("kind") == "BatchProcessJob"]
PARTS = [
    (where, one)
    for where, one in blocks()
    if "kind" not in one and not where.startswith("examples/") and not is_of_others(where, one)
]


def test_pages_have_nothing_else() -> None:
    known = [where for where, _ in (*JOBS, *PARTS)]
    rest = {
        where
        for where, one in blocks()
        if where not in known and not is_of_others(where, one) and not where.startswith("examples/")
    }
    assert rest == set()
    assert len(JOBS) >= 8
    assert len(PARTS) >= 4


@pytest.mark.parametrize("job", [one for _, one in JOBS], ids=[where for where, _ in JOBS])
def test_a_job_is_taken(kubectl: Kubectl, job: dict[str, Any]) -> None:
    # What a job for this machine leaves out, and a cluster needs.
    image = {"image": "registry.example/digits:1"}
    store = {"output": {"uri": "s3://bucket/prefix", "s3": {"credentialsSecret": "s3-creds"}}}
    create(kubectl, {**job, "spec": {**image, **store, **job["spec"]}})


@pytest.mark.parametrize("part", [one for _, one in PARTS], ids=[where for where, _ in PARTS])
def test_a_part_is_taken_in_a_job(kubectl: Kubectl, part: dict[str, Any]) -> None:
    job = yaml.safe_load(DIGITS)
    job["spec"] |= part.get("spec", part)
    create(kubectl, job)


def create(kubectl: Kubectl, job: dict[str, Any]) -> None:
    # Strictly: an unknown field would only be dropped.
    options = ("--dry-run=server", "--validate=strict", "--filename=-")
    assert "created (server dry run)" in kubectl("create", *options, stdin=json.dumps(job))
