"""What a scrape of the metrics shows."""

from prometheus_client.parser import text_string_to_metric_families

from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.watch.cache import JobCache


def test_the_page_is_one_that_prometheus_reads() -> None:
    metrics = Metrics(JobCache(), lambda: 3)
    metrics.reported()
    with metrics.timed_pass():
        metrics.failed()
    page = metrics.page()
    text = page.answer(0.0).decode()
    head, _, body = text.partition("\r\n\r\n")
    assert "Content-Type: text/plain; version=0.0.4; charset=utf-8" in head
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    wanted = {
        "batchprocess_reports_total": 1,
        "batchprocess_reconcile_errors_total": 1,
        "batchprocess_reconcile_seconds_count": 1,
        "batchprocess_unreadable_objects": 3,
        "batchprocess_jobs": 0,
        "batchprocess_pods": 0,
    }
    assert found.items() >= wanted.items()
