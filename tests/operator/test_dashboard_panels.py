"""What the board asks for is what the operator shows."""

import re

import pytest
from prometheus_client import generate_latest

from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.dashboard_panels import PANELS, Panel
from batchprocess_operator.watch.cache import JobCache


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_every_query_asks_for_metrics_of_the_operator_alone(panel: Panel) -> None:
    page = generate_latest(Metrics(JobCache()).registry).decode()
    shown = set(re.findall(r"^# TYPE (\w+)", page, re.MULTILINE))
    for query, _ in panel.queries:
        asked = re.findall(r"(batchprocess_\w+)(\{[^}]*\})?", query)
        assert asked
        assert {name.removesuffix("_bucket") for name, _ in asked} <= shown
        assert all('job=~"$job"' in chosen for _, chosen in asked)
