"""A job is created once, whatever becomes of the answer."""

import pytest

from batchprocess.api.job import BatchProcessJob
from batchprocess.client.errors import AlreadyExists, NotFound, Rejected, Unavailable
from batchprocess.client.source.config_map import config_map_of
from batchprocess.client.source.source_files import SourceFiles
from batchprocess.client.submitting import (
    ANNOTATION_REQUEST,
    create,
    create_with_source,
    manifest,
)
from batchprocess.protocol.errors import InvalidArgument
from support.client.fake_server import fake_cluster, stored
from support.job_cases import job, spec

TAKEN = AlreadyExists("taken")


def mine(request: str = "r-1") -> dict[str, object]:
    found = stored()
    found["metadata"]["annotations"] = {ANNOTATION_REQUEST: request}
    return found


def test_a_job_that_was_created_though_the_answer_was_lost_is_found() -> None:
    connection, transport = fake_cluster(Unavailable("lost"), TAKEN, mine())
    assert create(connection, manifest(job(spec()), "team", "r-1")).uid == "u-1"
    assert [method for method, *_ in transport.asked] == ["POST", "POST", "GET"]


def test_a_job_of_somebody_else_is_not_taken_for_ours() -> None:
    for other in (mine("r-2"), stored()):
        connection, _ = fake_cluster(TAKEN, other)
        with pytest.raises(AlreadyExists, match="team has a job digits already"):
            create(connection, manifest(job(spec()), "team", "r-1"))


def test_one_that_is_deleted_in_between_is_told_as_such() -> None:
    connection, _ = fake_cluster(*[TAKEN, NotFound("gone")] * 30)
    with pytest.raises(Unavailable, match="digits was deleted just now: submit it again"):
        create(connection, manifest(job(spec()), "team", "r-1"))


def test_a_manifest_says_what_was_given_and_no_default() -> None:
    given = job(spec(shards=3))
    given["metadata"]["labels"] = {"team": "vision"}
    made = manifest(given, "team", "r-1")
    assert made["spec"] == given["spec"]
    assert made["metadata"]["labels"] == {"team": "vision"}
    assert made["metadata"]["namespace"] == "team"
    model = manifest(BatchProcessJob.model_validate(given), "team", "r-1")
    assert model["spec"] == given["spec"]
    assert "annotations" not in given["metadata"]


def test_what_is_no_job_is_refused_by_field() -> None:
    with pytest.raises(InvalidArgument, match=r"spec\.shards: "):
        manifest(job(spec(shards=0)), "team", "r-1")
    with pytest.raises(InvalidArgument, match="request_id has 257 characters"):
        manifest(job(spec()), "team", "x" * 257)


SOURCE = SourceFiles({"a.py": b"x"})


def test_a_source_is_there_before_its_job_and_owned_by_it_afterwards() -> None:
    body = manifest(job(spec()), "team", "r-1")
    wanted = config_map_of("digits", "team", SOURCE)
    there = {**wanted, "metadata": {**wanted["metadata"], "uid": "c-1"}}
    connection, transport = fake_cluster(there, stored(), AlreadyExists("taken"), there, {})
    create_with_source(connection, body, SOURCE)
    kinds = [(method, path.rpartition("/")[2]) for method, path, *_ in transport.asked]
    name = wanted["metadata"]["name"]
    assert kinds[:2] == [("POST", "configmaps"), ("POST", "batchprocessjobs")]
    assert kinds[-1] == ("PATCH", name)
    assert transport.asked[1][3]["spec"]["source"] == {"configMap": name}


def test_the_config_map_of_a_job_that_is_refused_is_taken_back() -> None:
    wanted = config_map_of("digits", "team", SOURCE)
    there = {**wanted, "metadata": {**wanted["metadata"], "uid": "c-1"}}
    connection, transport = fake_cluster(there, Rejected("no"), b"{}")
    with pytest.raises(Rejected):
        create_with_source(connection, manifest(job(spec()), "team", "r-1"), SOURCE)
    assert transport.asked[-1][0] == "DELETE"


def test_a_job_with_a_source_of_its_own_is_given_no_other() -> None:
    body = manifest(job(spec(source={"configMap": "mine"})), "team", "r-1")
    connection, transport = fake_cluster()
    with pytest.raises(InvalidArgument, match=r"has a spec\.source already"):
        create_with_source(connection, body, SOURCE)
    assert transport.asked == []
