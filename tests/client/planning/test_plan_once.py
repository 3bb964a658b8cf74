"""A plan leaves neither its Job nor its ConfigMap, and takes away nobody else's."""

import pytest

from batchprocess.client.errors import AlreadyExists, Denied
from batchprocess.client.planning.plan_once import plan_once
from batchprocess.client.source.config_map import config_map_of
from batchprocess.client.source.source_files import SourceFiles
from batchprocess.client.submitting import manifest
from batchprocess.protocol.errors import InvalidArgument
from support.client.fake_server import fake_cluster
from support.job_cases import job, spec

SOURCE = SourceFiles({"a.py": b"x"})
WANTED = config_map_of("digits", "team", SOURCE)
THERE = {**WANTED, "metadata": {**WANTED["metadata"], "uid": "c-1"}}


def test_its_config_map_is_taken_back_and_one_that_was_there_stays() -> None:
    connection, transport = fake_cluster(THERE, Denied("no"), b"{}")
    with pytest.raises(Denied):
        plan_once(connection, manifest(job(spec()), "team", "r"), SOURCE, "1", print)
    assert transport.asked[-1][0] == "DELETE"
    connection, transport = fake_cluster(AlreadyExists("taken"), THERE, Denied("no"))
    with pytest.raises(Denied):
        plan_once(connection, manifest(job(spec()), "team", "r"), SOURCE, "1", print)
    assert [method for method, *_ in transport.asked] == ["POST", "GET", "POST"]


@pytest.mark.parametrize("change", [{"image": None}, {"output": {"uri": None}}])
def test_a_job_that_no_cluster_takes_is_refused_before_anything_is_made(
    change: dict[str, object],
) -> None:
    connection, transport = fake_cluster()
    with pytest.raises(InvalidArgument, match=r"spec\.image and spec\.output\.uri are required"):
        plan_once(connection, manifest(job(spec(**change)), "team", "r"), SOURCE, "1", print)
    assert transport.asked == []
