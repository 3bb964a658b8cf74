"""What is noted of jobs that run."""

import asyncio
from math import isnan

import pytest

from batchprocess_operator.observe.stored_job import StoredJob, stored_job
from batchprocess_operator.page import history as module
from batchprocess_operator.page.history import History, Series
from support.operator.objects import NOW, job_object, stamp


def running(uid: str = "a", **status: object) -> StoredJob:
    made = job_object({"state": "Running", "rate": 10.0, "rows": 5, **status})
    made["metadata"]["uid"] = uid
    return stored_job(made)


def test_a_job_that_runs_is_noted_every_ten_seconds_and_no_other():
    now, jobs = [NOW.timestamp()], [running(), running("b", state="Suspended")]
    history = History(lambda: jobs, lambda: now[0])
    for _ in range(5):
        history.sample()
        now[0] += 10
    history.sample()
    now[0] += 1
    history.sample()
    assert len(history.of("a").times) == 6
    assert list(history.of("a").rates) == [10.0] * 6
    assert list(history.of("b").times) == []


def test_the_time_left_is_by_the_status_or_not_known():
    history = History(lambda: [running(eta=stamp(90)), running("b")], NOW.timestamp)
    history.sample()
    assert list(history.of("a").left) == [90.0]
    assert isnan(history.of("b").left[0])


def test_a_long_life_is_noted_ever_more_seldom_and_never_forgotten():
    series, seconds = Series(), 7 * 86_400
    for time in range(0, seconds, 10):
        series.add(time, 1.0, 2.0, 3.0)
    assert module.MAX_SAMPLES // 2 <= len(series.times) <= module.MAX_SAMPLES
    assert series.times[0] == 0
    assert series.times[-1] > seconds - series.every - 10
    steps = {later - time for time, later in zip(series.times, series.times[1:], strict=False)}
    assert max(steps) <= 2 * series.every


def test_a_fault_in_it_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(module, "SAMPLE_SECONDS", 0.0)
    times = []

    def failing() -> list[StoredJob]:
        times.append(1)
        if len(times) < 3:
            raise ValueError("of nonsense")
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(History(failing, NOW.timestamp).run_forever())
    assert caplog.text.count("a bug of the operator") == 2


@pytest.mark.hostile
def test_only_the_jobs_that_ran_last_are_noted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MAX_JOBS", 10)
    jobs = [running(f"uid-{n}") for n in range(30)]
    history = History(lambda: jobs, NOW.timestamp)
    history.sample()
    assert len(history) == 10
    assert len(history.of("uid-29").times) == 1
