"""A job is watched to its end, whose exit code is the command's."""

import json

from cli.cluster.conftest import Cluster
from support.client.fake_server import ended, stored
from support.commands import Command

URI = {"outputURI": "s3://bucket/digits/r-7"}


def changed(status: dict[str, object], version: int) -> dict[str, object]:
    return {"type": "MODIFIED", "object": stored(status, version=version)}


def test_lines_in_a_pipe_end_with_the_outputs_and_the_exit_code(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    running = {"state": "Running", "batches": {"done": 1, "total": 4}, **URI}
    fake_cluster_of(stored(), stored(), [changed(running, 2), changed(ended("Complete", **URI), 3)])
    said = batchprocess("watch", "digits")
    assert said.code == 0
    assert said.err == "Pending\nRunning: batches 1/4\nComplete\ndigits is Complete\n"
    assert said.out == "outputs: s3://bucket/digits/r-7\n"


def test_a_failed_job_ends_it_with_its_code_and_why(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    failed = stored(ended("Failed", "ShardsFailed", "UserCodeRaised"))
    fake_cluster_of(failed, failed)
    said = batchprocess("watch", "digits")
    assert (said.code, said.out) == (90, "")
    assert said.err.endswith("digits has failed: ShardsFailed: because\n")


def test_programs_get_each_status_as_a_line(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    fake_cluster_of(stored(), stored(), [changed(ended("Complete"), 2)])
    lines = batchprocess("watch", "digits", "--json").out.splitlines()
    assert [json.loads(line).get("state") for line in lines] == [None, "Complete"]


def test_it_ends_in_time_if_asked_to(batchprocess: Command, fake_cluster_of: Cluster) -> None:
    fake_cluster_of(stored(), stored(), [])
    said = batchprocess("watch", "digits", "--timeout", "2")
    assert (said.code, said.err) == (
        1,
        "Pending\nerror: digits has not ended within 2 s; it goes on\n",
    )


def test_who_stops_watching_leaves_the_job_alone(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    fake_cluster_of(stored(), stored(), KeyboardInterrupt())
    said = batchprocess("watch", "digits")
    assert said.code == 130
    assert said.err.endswith("digits goes on; batchprocess watch digits shows it again\n")
