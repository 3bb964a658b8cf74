"""docs/metrics.md has every metric of the operator, and no other."""

import re

from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.watch.cache import JobCache
from support.pages import read_page


def test_every_metric_of_the_code_is_on_the_page_and_no_other() -> None:
    metrics = Metrics(JobCache())
    metrics.watch_certificate(lambda: 0.0)
    made = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in metrics.registry.collect()
    }
    assert set(re.findall(r"`(batchprocess_\w+)`", read_page("metrics.md"))) == made
