"""How a job has ended, for programs."""

import pytest

from batchprocess.api.status import Status
from batchprocess.client.outcome import exit_code, has_ended, why
from support.client.fake_server import ended


def status(*given: str, **more: object) -> Status:
    return Status.model_validate(ended(*given, **more))


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (("Complete",), 0),
        (("CompleteWithFailures",), 0),
        (("Failed", "CannotWork", "UserCodeRaised"), 91),
        (("Failed", "InvalidSpec"), 91),
        (("Failed", "TooManyBadRows"), 95),
        (("Failed", "VerificationFailed"), 93),
        (("Failed", "StartDeadlineExceeded"), 86),
        (("Failed", "ShardsFailed", "UserCodeRaised"), 90),
        (("Failed", "ShardsFailed", "OOMKilled"), 137),
        (("Failed", "ShardsFailed", "NoProgress"), 92),
        (("Failed", "ShardsFailed", "PodError"), 1),
        (("Failed", "DeadlineExceeded"), 1),
        (("Failed", "WhatANewerOneSays"), 1),
        (("Failed",), 1),
    ],
)
def test_a_jobs_exit_code_is_that_of_a_local_run(told: tuple[str, ...], code: int) -> None:
    assert exit_code(status(*told)) == code


def test_a_job_that_is_about_to_be_tried_again_has_not_ended() -> None:
    assert has_ended(status("Failed"), 0)
    assert not has_ended(status("Failed"), 1)
    assert has_ended(status("Failed", retry=1), 1)
    assert has_ended(status("Complete"), 1)
    assert not has_ended(Status(), 0)


def test_why_is_reason_and_sentence() -> None:
    assert why(status("Failed", "CannotWork")) == "CannotWork: because"
    assert why(status("Failed")) == "no cause is known"
