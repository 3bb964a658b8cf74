"""What a job would do is shown, and a person is asked."""

import sys
from typing import Any

import pytest

from batchprocess.api.job import BatchProcessJob
from batchprocess.cli.cluster.plan_first import plan_first, plan_lines
from batchprocess.client import Jobs, PlanFailed
from support.client.fake_server import fake_cluster
from support.client.plan_answer import plan_answer
from support.job_cases import job, spec


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    connection, _ = fake_cluster()
    made = Jobs(connection=connection)
    monkeypatch.setattr(made, "plan", lambda given, **_: plan_answer())
    return made


def test_counts_and_warnings_are_shown_plain(capsys: pytest.CaptureFixture[str]) -> None:
    given = BatchProcessJob.model_validate(job(spec(shards=7, batchSize=2)))
    assert list(plan_lines(given, plan_answer(warnings=["odd\x1b[2J"]))) == [
        *("rows: 10", "batches: 5", "shards: 2", "batchSize: 2"),
        "warning: odd [2J",
        "warning: 7 shards for 5 batches: 2 shards too many",
    ]


@pytest.mark.parametrize(
    ("terminal", "ask", "answer", "code"),
    [
        (True, True, True, None),
        (True, True, False, 1),
        (True, False, False, None),
        (False, True, False, None),
    ],
)
def test_a_person_is_asked_and_a_program_is_not(
    terminal: bool,
    ask: bool,
    answer: bool,
    code: int | None,
    jobs: Jobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("click.confirm", lambda *_, **__: answer)
    assert plan_first(jobs, job(spec()), None, ask=ask) == code


def test_a_job_that_would_not_work_is_not_submitted(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failed(*_: Any, **__: Any) -> None:
        raise PlanFailed("no module", 90)

    monkeypatch.setattr(jobs, "plan", failed)
    assert plan_first(jobs, job(spec()), None, ask=False) == 90
    assert capsys.readouterr().err == "error: no module\n"
