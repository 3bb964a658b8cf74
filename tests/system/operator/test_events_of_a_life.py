"""What a healthy job tells in events from its creation to its end, and that restarts repeat little.

The controller is the real one; API server, Job controller, kubelet and clock are fakes.
"""

from collections import Counter

import pytest

from support.operator.lives import Life, live


def life(faults=None) -> Life:
    return live(faults=faults, parallelism=1)


def told(of: Life) -> list[tuple[str, str]]:
    events = of.server.list("/api/v1/events")
    return [(one["reason"], one["message"]) for one in events]


@pytest.fixture(scope="module")
def quiet() -> Life:
    return life()


def test_a_healthy_job_tells_its_milestones_and_nothing_else(quiet: Life) -> None:
    reasons = [reason for reason, _ in told(quiet)]
    assert [reason for reason in reasons if reason != "Progress"] == [
        "JobCreated",
        "Started",
        "Finalizing",
        "Complete",
    ]
    assert 1 <= reasons.count("Progress") <= 9


@pytest.mark.slow
def test_an_operator_that_dies_at_any_request_repeats_no_event_more_than_once(quiet: Life) -> None:
    for number in range(len(quiet.server.requests)):
        for fault in ("die before", "die after"):
            again = life({number: fault})
            counted = Counter(told(again))
            assert again.states[-1] == "Complete"
            assert max(counted.values()) <= 2, (number, fault, counted)
            assert {reason for reason, _ in counted} <= {
                *("JobCreated", "Started", "Progress", "Finalizing", "Complete")
            }
