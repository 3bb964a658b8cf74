"""The board for Grafana over an operator at work: Prometheus scrapes it in the cluster."""

import time
from collections.abc import Iterator

import pytest

import testcluster
from batchprocess_operator.dashboard_panels import PANELS
from support.e2e.jobs import disturbed
from support.e2e.operator import InstalledOperator
from support.e2e.world import World
from testcluster.operator import NAMESPACE, SERVICE
from testcluster.prometheus import Prometheus, start_prometheus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SILENT = {"Failed and stalled", "Waiting", "Lost and left out", "Bad rows of what may be"}
"""Nothing of the kind happens to the job here."""


@pytest.fixture
def prometheus(cluster: testcluster.Cluster, operator: InstalledOperator) -> Iterator[Prometheus]:
    path = "-o=jsonpath={.items[0].status.podIP}"
    address = cluster.kubectl("get", "pods", path, f"--namespace={NAMESPACE}")
    job = f"{NAMESPACE}/{SERVICE}"
    yield start_prometheus(cluster.programs, f"{address}:8081", job)
    cluster.programs.stop("prometheus")


def test_every_graph_of_the_board_shows_a_job_that_runs(
    world: World, prometheus: Prometheus
) -> None:
    start = time.time()
    world.apply(disturbed(world, "shown", shards=2, parallelism=2, hparams={"seconds": 0.5}))
    assert world.wait("shown")["state"] == "Complete"
    # The last report and the end are scraped, and counted in a rate.
    time.sleep(3)
    shown = set()
    for panel in PANELS:
        for query, _ in panel.queries:
            asked = query.replace("$job", f"{NAMESPACE}/.*").replace("$__rate_interval", "10s")
            found = prometheus.query_range(asked, start, time.time(), step=1)
            values = [float(value) for one in found for _, value in one["values"]]
            if any(value > 0 for value in values):
                shown.add(panel.title)
    assert {panel.title for panel in PANELS} - shown <= SILENT
