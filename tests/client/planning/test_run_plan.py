"""What the pod that plans has said, and that nothing of it stays."""

from typing import Any

import pytest

from batchprocess.api.job import BatchProcessJob
from batchprocess.client.errors import AlreadyExists, NotFound, Unavailable
from batchprocess.client.planning.run_plan import PlanFailed, run_plan
from batchprocess.protocol.dry_run import DryRunAnswer, DryRunFailure
from support.client.fake_server import Answer, FakeTransport, fake_cluster
from support.client.plan_answer import plan_answer
from support.job_cases import job, spec

JOB = BatchProcessJob.model_validate(job(spec()))
MADE = {"metadata": {"name": "digits-plan-1", "uid": "j-1"}}
"""The Job."""


def page(*items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items), "metadata": {}}


def pod(phase: str, **status: Any) -> dict[str, Any]:
    return page({"metadata": {"name": "p"}, "status": {"phase": phase, **status}})


def waiting(reason: str) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": "no\x1b[2J"}}
    return pod("Pending", containerStatuses=[{"name": "worker", "state": state}])


def planned(*answers: Answer) -> tuple[Any, FakeTransport, list[str]]:
    connection, transport = fake_cluster(*answers)
    notices: list[str] = []
    try:
        result: Any = run_plan(connection, JOB, "team", "1", notices.append)
    except PlanFailed as error:
        result = error
    return result, transport, notices


def test_the_answer_is_the_last_line_that_is_one_and_the_job_is_deleted(
    answer: DryRunAnswer,
) -> None:
    text = f"loading\n{answer.encode()}\nUserWarning: late\n".encode()
    result, transport, _ = planned(MADE, pod("Running"), pod("Succeeded"), text, b"{}")
    assert result == answer
    method, path, _, body = transport.asked[-1]
    assert (method, path.rpartition("/")[2]) == ("DELETE", "digits-plan-1")
    assert body["preconditions"] == {"uid": "j-1"}


def test_a_failure_is_told_with_its_code() -> None:
    said = DryRunFailure(failed="no module named x\x1b[2J", code=90, ours=False).encode()
    result, _, _ = planned(MADE, pod("Failed"), said.encode(), b"{}")
    assert (str(result), result.code) == (
        "the pod that plans has failed: no module named x [2J",
        90,
    )


@pytest.mark.parametrize(("text", "told"), [(b"Killed\n", "Killed"), (b"", "it said nothing")])
def test_a_pod_that_does_not_answer_is_told_by_its_last_line(text: bytes, told: str) -> None:
    result, _, _ = planned(MADE, pod("Failed"), text, b"{}")
    assert str(result) == f"the pod that plans has not answered: {told}"


def test_a_pod_without_a_log_is_told_by_what_kubernetes_says() -> None:
    result, _, _ = planned(MADE, pod("Failed", message="Evicted"), NotFound("gone"), b"{}")
    assert str(result) == "the pod that plans has not answered: Evicted"


def test_a_pod_that_can_never_start_is_told_at_once_and_another_in_time() -> None:
    result, _, _ = planned(MADE, waiting("InvalidImageName"), b"{}")
    assert str(result) == "the pod that plans does not start: InvalidImageName: no [2J"
    result, _, notices = planned(MADE, *[waiting("ErrImagePull")] * 299, b"{}", b"{}", b"{}")
    assert str(result) == "the pod that plans does not start: ErrImagePull: no [2J"
    assert notices == ["the pod that plans waits: ErrImagePull: no [2J"]


def test_a_job_of_which_no_pod_is_made_is_told() -> None:
    result, _, _ = planned(MADE, *[page()] * 320)
    assert str(result) == "the pod that plans does not start: no pod was made for it"


def test_a_job_whose_creation_was_not_answered_is_found(answer: DryRunAnswer) -> None:
    lost = (Unavailable("lost"), AlreadyExists("taken"), MADE)
    result, _, _ = planned(*lost, pod("Succeeded"), answer.encode().encode(), b"{}")
    assert result == answer


@pytest.fixture
def answer() -> DryRunAnswer:
    return plan_answer()
