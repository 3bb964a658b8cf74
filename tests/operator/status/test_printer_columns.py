"""Texts of the printer columns."""

from datetime import timedelta

import pytest

from batchprocess_operator.status.eta import Estimate
from batchprocess_operator.status.printer_columns import printer_columns, short, span
from support.operator.objects import NOW, child, job, plan, pod


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.123456, "0.123"),
        (7, "7"),
        (999, "999"),
        (999.9, "1k"),
        (1234, "1.23k"),
        (999_999, "1M"),
        (2_500_000, "2.5M"),
        (7.2e9, "7.2G"),
    ],
)
def test_numbers_have_three_digits_and_a_unit(number: float, text: str) -> None:
    assert short(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m0s"),
        (125, "2m5s"),
        (7_500, "2h5m"),
        (3_600, "1h0m"),
        (100_000, "1d3h"),
        (86_400 * 40, "40d0h"),
    ],
)
def test_spans_have_two_units_at_most(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_what_is_not_known_is_empty_or_a_question_mark() -> None:
    shown = plan(job(), [child()], [pod(0)]).status.display
    assert shown is not None
    assert (shown.progress, shown.shards, shown.rate, shown.eta) == ("0/?", "0/4", "", "")


def test_rate_and_time_left_are_shown_once_they_are_known() -> None:
    shards = plan_shards()
    end = NOW + timedelta(seconds=90)
    shown = printer_columns(421, 1000, shards, Estimate(1234.0, end), NOW)
    assert shown.model_dump(exclude_none=True) == {
        "progress": "421/1000",
        "shards": "0/4",
        "rate": "1.23k/s",
        "eta": "1m30s",
    }


def plan_shards():
    from batchprocess_operator.model.observed import Observed
    from batchprocess_operator.observe.shards import read_shards

    one = job()
    return read_shards(one.body, one.before, Observed())


def test_the_reason_is_what_stands_most_in_the_way_and_at_the_end_why_the_job_failed() -> None:
    assert plan(job(), [child()], [pod(0)]).status.display.reason is None
    waits = {"waiting": {"reason": "ErrImagePull"}}
    stuck = plan(job(), [child()], [pod(0, phase="Pending", state=waits)])
    assert stuck.status.display.reason == "ErrImagePull"
    late = plan(job(timeouts={"startSeconds": 30}), [child(created=-60)])
    assert late.status.display.reason == "StartDeadlineExceeded"
