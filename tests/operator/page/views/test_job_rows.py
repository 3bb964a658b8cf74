"""Lines of the list."""

import pytest

from batchprocess_operator.observe.stored_job import StoredJob, stored_job
from batchprocess_operator.page.views import job_rows as module
from batchprocess_operator.page.views.job_rows import Filter, job_list, job_row
from support.operator.objects import NOW, job_object, stamp


def stored(name: str = "digits", age: float = 100, **status: object) -> StoredJob:
    made = job_object(dict(status))
    made["metadata"] |= {"name": name, "uid": name, "creationTimestamp": stamp(-age)}
    return stored_job(made)


def test_a_job_at_work_has_rate_progress_and_time_left():
    running = {"state": "Running", "rate": 1_234.0, "eta": stamp(125)}
    counts = {"batches": {"done": 30, "total": 100}, "shards": {"succeeded": 1}}
    row = job_row(stored(**running, **counts), NOW)
    assert (row.state, row.percent, row.shards) == ("Running", 30, "1/4")
    assert (row.rate, row.left, row.progress) == ("1.23k/s", "2m5s", "30 of 100 batches")
    assert row.created is not None
    assert row.created.ago == "1m40s"


def test_one_that_is_over_has_neither_rate_nor_time_left():
    condition = {"type": "Failed", "status": "True", "reason": "ShardsFailed"}
    row = job_row(stored(state="Failed", rate=5.0, eta=stamp(9), conditions=[condition]), NOW)
    assert (row.rate, row.left, row.trouble) == ("", "", "ShardsFailed")


def test_one_that_waits_says_what_for_and_one_that_is_complete_nothing():
    reason = {"display": {"reason": "Unschedulable"}}
    assert job_row(stored(state="Pending", **reason), NOW).trouble == "Unschedulable"
    assert job_row(stored(state="Complete", **reason), NOW).trouble == ""


@pytest.mark.hostile
@pytest.mark.parametrize("display", [7, {"reason": ["x"]}, {"reason": None}, {"reason": "x" * 900}])
def test_a_reason_of_nonsense_is_cut_or_none(display: object):
    assert job_row(stored(state="Pending", display=display), NOW).trouble in ("", "x" * 64)


def test_the_newest_come_first():
    found = job_list([stored("old", 500), stored("new", 5)], Filter(), NOW)
    assert [one.name for one in found.rows] == ["new", "old"]


@pytest.mark.hostile
def test_one_that_cannot_be_shown_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    real = module.job_row

    def failing(job: StoredJob, now):
        if job.name == "bad":
            raise ValueError("of nonsense")
        return real(job, now)

    monkeypatch.setattr(module, "job_row", failing)
    found = job_list([stored("a"), stored("bad"), stored("z")], Filter(), NOW)
    assert [one.name for one in found.rows] == ["a", "bad", "z"]
    assert found.rows[1].trouble == "the page has a fault"
    assert "a bug" in caplog.text


@pytest.mark.parametrize("first", ["-5", "x", "1e9", "٣", "9999999"])
def test_a_page_that_is_none_is_the_first(first: str):
    assert Filter.of({"first": first}).first == 0


def test_a_page_beyond_the_end_is_the_last_one():
    found = job_list([stored(f"job-{n}") for n in range(120)], Filter(first=5_000), NOW)
    assert (found.first, len(found.rows), found.after) == (100, 20, "")


def test_the_address_of_another_page_keeps_what_was_asked_for():
    asked = Filter("team", "Failed", "a&b", 100)
    assert asked.at(200) == "/?namespace=team&state=Failed&find=a%26b&first=200"
    assert Filter().at(0) == "/"
