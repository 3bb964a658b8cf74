"""Suspend, resume, retry and cancel, from the command line."""

import pytest

from batchprocess.client.errors import Denied
from cli.cluster.conftest import Cluster
from support.client.fake_server import ended, stored
from support.commands import Command

NONE = {"items": [], "metadata": {}}


@pytest.mark.parametrize(
    ("verb", "status", "spec", "told"),
    [
        ("suspend", {}, {"suspend": True}, "digits: suspended; its workers commit and stop"),
        ("resume", {}, {"suspend": False}, "digits: resumed"),
        ("retry", ended("Failed", "ShardsFailed"), {"retry": 1}, "digits: retry 1"),
    ],
)
def test_a_verb_changes_one_field_and_says_so(
    verb: str,
    status: dict[str, object],
    spec: dict[str, object],
    told: str,
    batchprocess: Command,
    fake_cluster_of: Cluster,
) -> None:
    before = stored(status)
    asked = fake_cluster_of(before, before, stored(status, version=2, **spec)).asked
    assert batchprocess(verb, "digits").out == f"{told}\n"
    method, path, _, body = asked[-1]
    assert (method, body["spec"]) == ("PATCH", spec)
    assert path.endswith("/namespaces/team/batchprocessjobs/digits")


def test_a_cancelled_job_leaves_word_of_where_it_can_go_on(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    running = stored(
        {
            "state": "Running",
            "outputURI": "s3://bucket/digits/r-7",
            "runId": "r-7",
            "batches": {"done": 4, "total": 9},
        }
    )
    fake_cluster_of(running, running, b"{}", NONE)
    said = batchprocess("cancel", "digits")
    assert said.out == (
        "digits: cancelled; at least 4 of 9 batches stay in s3://bucket/digits/r-7; a job with "
        "spec.runId r-7 goes on with them\n"
    )
    fake_cluster_of(stored(), stored(), b"{}", NONE)
    assert batchprocess("cancel", "digits").out == "digits: cancelled before anything was begun\n"


def test_the_first_that_refuses_ends_it_and_what_was_done_is_told(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    fake_cluster_of(stored(), stored(), stored(), Denied("no"))
    said = batchprocess("suspend", "digits", "others", "-o", "name")
    assert (said.code, said.err) == (1, "error: no\n")
    assert said.out == "batchprocessjob.batchprocess.dev/digits\n"
