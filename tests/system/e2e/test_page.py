"""The page of the operator as the chart installs it, over a job that runs on a real node."""

import json
import re

import pytest

import testcluster
from support.e2e.jobs import disturbed
from support.e2e.operator import InstalledOperator
from support.e2e.world import World
from support.operator.page_client import log_in
from testcluster.machine.waiting import until
from testcluster.operator import NAMESPACE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def percents(page: str) -> dict[str, int]:
    """Where time goes, by the words of the page."""
    found = re.findall(r"<dt>([a-z ]+)</dt><dd><progress max=\"100\" value=\"(\d+)\"", page)
    return {name: int(percent) for name, percent in found}


def test_somebody_of_the_namespace_watches_a_job_from_its_first_shard_to_its_end(
    world: World, cluster: testcluster.Cluster, operator: InstalledOperator
) -> None:
    kubectl, place = world.kubectl, f"--namespace={world.namespace}"
    kubectl("create", "serviceaccount", "watcher", place)
    account = f"--serviceaccount={world.namespace}:watcher"
    kubectl("create", "rolebinding", "watcher", "--clusterrole=view", account, place)
    path = "-o=jsonpath={.items[0].status.podIP}"
    address = cluster.kubectl("get", "pods", path, f"--namespace={NAMESPACE}")
    token = kubectl("create", "token", "watcher", place).strip()
    reply, visitor = log_in(8082, token, address)
    assert reply.status == 303
    world.apply(disturbed(world, "watched", shards=3, parallelism=2, hparams={"seconds": 1.5}))
    job = f"/jobs/{world.namespace}/watched"

    def page() -> str:
        return visitor.get(job).text

    until("shards are at work", lambda: 'class="run' in page(), seconds=120, pause=0.5)
    until("a rate is told", lambda: "</b> rows</span>" in page(), seconds=120, pause=0.5)
    until("and where the time goes", lambda: percents(page()) != {}, seconds=120, pause=0.5)
    assert world.wait("watched")["state"] == "Complete"
    until("its end is shown", lambda: "state-Complete" in page(), pause=0.5)
    found = page()
    assert "<b>100 %</b>" in found
    assert "3 shards: 3 succeeded" in found
    (data,) = re.findall(r'data-series="([^"]*)"', found)
    assert json.loads(data)[0] != []
    assert "WorkerJobCreated" in found or "JobCreated" in found
    assert visitor.get("/").jobs >= {f"{world.namespace}/watched"}
    assert all(one.startswith(f"{world.namespace}/") for one in visitor.get("/").jobs)
