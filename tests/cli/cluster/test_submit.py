"""A job file becomes an object on a cluster."""

import json
from pathlib import Path

import pytest

from batchprocess.client.submitting import ANNOTATION_REQUEST
from cli.cluster.conftest import Cluster
from support.client.fake_server import ended, stored
from support.commands import Command
from support.job_cases import job, spec


@pytest.fixture
def file(tmp_path: Path) -> Path:
    given = job(spec(shards=3))
    given["metadata"]["labels"] = {"team": "vision"}
    path = tmp_path / "job.yaml"
    path.write_text(json.dumps(given))
    return path


def test_the_whole_object_of_the_file_is_sent(
    batchprocess: Command, fake_cluster_of: Cluster, file: Path
) -> None:
    asked = fake_cluster_of(stored()).asked
    said = batchprocess("submit", file, "--request-id", "r-1")
    assert said.out == "digits: submitted to namespace team\n"
    (_, path, query, body) = asked[0]
    assert path.endswith("/namespaces/team/batchprocessjobs")
    assert query == {"fieldValidation": "Strict"}
    assert body["metadata"]["labels"] == {"team": "vision"}
    assert body["metadata"]["annotations"] == {ANNOTATION_REQUEST: "r-1"}
    assert body["spec"] == spec(shards=3)


def test_a_job_may_come_from_another_program(
    batchprocess: Command, fake_cluster_of: Cluster, file: Path
) -> None:
    fake_cluster_of(stored())
    assert batchprocess("submit", "-", "-o", "name", answer=file.read_text()).code == 0
    said = batchprocess("submit", "-", answer="shards: 1")
    assert said.code == 91
    assert "stdin, line 1: apiVersion is missing" in said.err


def test_a_file_that_is_wrong_asks_nothing_of_the_cluster(
    batchprocess: Command, fake_cluster_of: Cluster, tmp_path: Path
) -> None:
    asked = fake_cluster_of().asked
    (tmp_path / "job.yaml").write_text(json.dumps(job(spec(shards=0))))
    said = batchprocess("submit", tmp_path / "job.yaml")
    assert (said.code, asked) == (91, [])
    assert "spec.shards: " in said.err
    assert batchprocess("submit", tmp_path / "none.yaml").code == 2


def test_two_namespaces_are_refused(
    batchprocess: Command, fake_cluster_of: Cluster, tmp_path: Path
) -> None:
    given = job(spec())
    given["metadata"]["namespace"] = "theirs"
    (tmp_path / "job.yaml").write_text(json.dumps(given))
    fake_cluster_of()
    said = batchprocess("submit", tmp_path / "job.yaml", "-n", "team")
    assert "metadata.namespace of the file is 'theirs' and --namespace is 'team'" in said.err


def test_waiting_ends_with_the_jobs_exit_code(
    batchprocess: Command, fake_cluster_of: Cluster, file: Path
) -> None:
    fake_cluster_of(stored(), stored(ended("Failed", "TooManyBadRows")))
    said = batchprocess("submit", file, "--wait")
    assert said.code == 95
    assert "digits has failed: TooManyBadRows: because" in said.err
