"""What an answer means for a message, and for its destination."""

import pytest

from batchprocess_operator.notify.outcome import MAX_RETRY_AFTER, Outcome, answered
from support.operator.objects import NOW


def test_success_is_any_answer_of_success() -> None:
    assert {answered(code, {}, NOW) for code in (200, 201, 202, 204)} == {Outcome()}


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure(code: int) -> None:
    to = {"Location": "http://169.254.169.254/"}
    assert answered(code, to, NOW).why == f"it answered {code}, and redirects are not followed"


@pytest.mark.parametrize(
    ("code", "of_message"), [(400, True), (422, True), (401, False), (404, False), (500, False)]
)
def test_only_what_is_said_of_the_message_is_no_fault_of_the_destination(
    code: int, of_message: bool
) -> None:
    assert answered(code, {}, NOW) == Outcome(f"it answered {code}", of_message)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("999999999", MAX_RETRY_AFTER),
        ("9" * 5_000, 0),
        ("Tue, 01 Jan 2030 12:00:30 GMT", 30),
        ("Tue, 01 Jan 2030 11:00:00 GMT", 0),
        ("Tue, 01 Jan 2030 12:00:30", 30),
        ("-5", 0),
        ("soon", 0),
        ("Tue, 01 Jan 2030 12:00:00 +9999999999999", 0),
        ("Tue, 01 Jan 99999999999999999 12:00:00 GMT", 0),
        ("", 0),
    ],
    ids=lambda value: str(value)[:30],
)
def test_how_long_to_wait_is_bounded(text: str, seconds: float) -> None:
    assert answered(429, {"Retry-After": text}, NOW).retry_after == seconds
