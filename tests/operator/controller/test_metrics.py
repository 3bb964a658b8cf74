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
        "batchprocess_pods": 0,
        "batchprocess_reconcile_overdue_seconds": 0,
    }
    assert found.items() >= wanted.items()


def test_answers_status_writes_and_ends_of_jobs_are_counted() -> None:
    metrics = Metrics(JobCache())
    metrics.watch_certificate(lambda: 1.5)
    metrics.answered(204)
    metrics.answered(429)
    metrics.answered(204)
    metrics.status_written(None, "Running", written=True)
    metrics.status_written("Running", "Failed", written=False)
    metrics.status_written("Running", "Failed", written=True)
    metrics.status_written("Failed", "Failed", written=True)

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"batchprocess_{name}", labels)

    assert value("report_requests_total", code="204") == 2
    assert value("report_requests_total", code="429") == 1
    assert value("status_writes_total", result="written") == 3
    assert value("status_writes_total", result="conflict") == 1
    assert value("jobs_finished_total", state="Failed") == 1
    assert value("jobs_finished_total", state="Complete") == 0
    assert value("certificate_expires_seconds") == 1.5
