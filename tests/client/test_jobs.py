"""The jobs of a namespace, for programs."""

import subprocess
import sys

import pytest

from batchprocess.client import Jobs
from batchprocess.protocol.errors import InvalidArgument
from support.client.fake_server import ended, fake_cluster, stored


def test_a_list_comes_page_by_page() -> None:
    page = {"items": [stored(), stored(uid="u-2")], "metadata": {}}
    connection, transport = fake_cluster(page)
    assert [one.uid for one in Jobs(connection=connection).list("a=b")] == ["u-1", "u-2"]
    assert transport.asked[0][1].endswith("/namespaces/team/batchprocessjobs")


def test_a_name_that_is_none_is_refused_before_anything_is_asked() -> None:
    connection, transport = fake_cluster()
    with pytest.raises(InvalidArgument, match="is not the name of a job"):
        Jobs(connection=connection).get("../secrets/x")
    assert transport.asked == []


def test_a_job_is_read_anew_each_time_it_is_asked() -> None:
    connection, _ = fake_cluster(stored(), stored(ended("Complete"), version=2))
    job = Jobs(connection=connection).get("digits")
    assert [job.ended, job.refresh().ended] == [False, True]


@pytest.mark.slow
def test_importing_the_client_loads_no_package_of_kubernetes() -> None:
    code = "import sys, batchprocess.client as c; c.Jobs; print('kubernetes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
