"""Each YAML of pages and examples is one that the API server takes, defaults and rules included."""

import json
from typing import Any

import pytest
import yaml

from batchprocess_operator.manifests.jobs import finalizer_job, worker_job
from batchprocess_operator.observe.read_job import read_job
from support.documented_yaml import JOBS, OBJECTS, OURS, PARTS, VALUES, names
from support.pages import ROOT
from testcluster import Kubectl

pytestmark = pytest.mark.slow
DIGITS = (ROOT / "examples" / "digits" / "cluster.yaml").read_text()


def test_pages_have_nothing_else() -> None:
    known = names([*JOBS, *PARTS, *OBJECTS, *VALUES])
    assert [where for where in names(OURS) if where not in known] == []
    assert len(JOBS) >= 8
    assert len(PARTS) >= 4
    assert len(OBJECTS) >= 3


@pytest.mark.parametrize("job", [one for _, one in JOBS], ids=names(JOBS))
def test_a_job_is_taken(kubectl: Kubectl, job: dict[str, Any]) -> None:
    # What a job for this machine leaves out, and a cluster needs.
    image = {"image": "registry.example/digits:1"}
    store = {"output": {"uri": "s3://bucket/prefix", "s3": {"credentialsSecret": "s3-creds"}}}
    create(kubectl, {**job, "spec": {**image, **store, **job["spec"]}})


@pytest.mark.parametrize("part", [one for _, one in PARTS], ids=names(PARTS))
def test_a_part_is_taken_in_a_job(kubectl: Kubectl, part: dict[str, Any]) -> None:
    job = yaml.safe_load(DIGITS)
    job["spec"] |= part.get("spec", part)
    create(kubectl, job)


@pytest.mark.parametrize("one", [one for _, one in OBJECTS], ids=names(OBJECTS))
def test_an_object_of_kubernetes_is_taken(kubectl: Kubectl, one: dict[str, Any]) -> None:
    # Its namespace is one of a cluster that has the operator.
    metadata = {name: value for name, value in one["metadata"].items() if name != "namespace"}
    dry_run(kubectl, one | {"metadata": metadata})


def test_the_store_for_kind_is_taken(kubectl: Kubectl) -> None:
    file = str(ROOT / "examples" / "kind" / "s3.yaml")
    said = kubectl("create", "--dry-run=server", "--validate=strict", f"--filename={file}")
    assert said.count("created (server dry run)") == 2


def create(kubectl: Kubectl, job: dict[str, Any]) -> None:
    """The job is taken, and so are the Jobs that the operator makes of it."""
    dry_run(kubectl, job)
    stored = {"generation": 1, "creationTimestamp": "2030-01-01T00:00:00Z"}
    owned = {"namespace": "default", "uid": "0b7b4a6e-4a5c-4f7e-9a2e-7a4f2a5b9c01"}
    read = read_job({**job, "metadata": {**job["metadata"], **stored, **owned}}, None)
    for child in (
        worker_job(read.body, read.identity, None),
        finalizer_job(read.body, read.identity),
    ):
        dry_run(kubectl, child)


def dry_run(kubectl: Kubectl, one: dict[str, Any]) -> None:
    # Strictly: an unknown field would only be dropped.
    options = ("--dry-run=server", "--validate=strict", "--filename=-")
    assert "created (server dry run)" in kubectl("create", *options, stdin=json.dumps(one))
