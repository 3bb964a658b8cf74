"""That a ConfigMap was edited in the middle, told from whichever way it is heard."""

from typing import Any

import pytest

from batchprocess.api.status import Condition
from batchprocess.protocol.run import SourceChange
from batchprocess_operator.model.conditions import by_type
from batchprocess_operator.model.plan import Plan
from batchprocess_operator.model.reported import Reported
from batchprocess_operator.status.source_changed import MAX_NAMED
from support.operator.objects import FINALIZER, after, child, condition, ended, job, plan, pod
from support.operator.objects import result as finalizer_result
from support.operator.planned import DONE

CHANGE = SourceChange(first="a" * 64, now="b" * 64)
SOURCE: dict[str, Any] = {"source": {"configMap": "code"}}


def reported(change: SourceChange = CHANGE) -> Reported:
    return Reported(source=change)


def told(planned: Plan) -> Condition:
    return by_type(planned.status.conditions)["SourceChanged"]


def test_a_report_of_another_source_is_told_with_both_digests_and_as_one_event() -> None:
    planned = plan(job(**SOURCE), [child()], [pod(0)], reported=reported())
    assert (told(planned).status, told(planned).reason) == ("True", "ConfigMapEdited")
    for part in ("'code'", "a" * 12, "b" * 12, "rows that count as well"):
        assert part in told(planned).message
    assert [event.reason for event in planned.events] == ["Started", "ConfigMapEdited"]
    assert planned.urgent
    again = plan(after(job(**SOURCE), planned), [child()], [pod(0)], reported=reported())
    assert again.events == ()
    assert told(again) == told(planned)


def test_a_termination_message_of_another_source_is_told_too() -> None:
    strict = {"source": {"configMap": "code", "onChange": "fail"}}
    said = ended(code=1, message="the ConfigMap ...", source=CHANGE)
    planned = plan(job(**strict), [child()], [pod(0, code=1, said=said)])
    assert "ended at once (onChange: fail)" in told(planned).message


@pytest.mark.hostile
def test_what_a_pod_says_that_is_not_of_our_job_is_not_told() -> None:
    said = ended(code=1, source=CHANGE)
    planned = plan(job(**SOURCE), [child()], [pod(0, of="another", code=1, said=said)])
    assert "SourceChanged" not in by_type(planned.status.conditions)


def test_it_still_stands_when_the_job_has_ended_and_nobody_says_it_any_more() -> None:
    first = plan(job(**SOURCE), [child()], [pod(0)], reported=reported())
    done = child(FINALIZER, status={"succeeded": 1, "conditions": [condition("Complete")]})
    pods = [pod(of=FINALIZER, code=0, said=finalizer_result())]
    last = plan(after(job(**SOURCE), first), [child(status=DONE), done], pods)
    assert last.status.state == "Complete"
    assert told(last).message == told(first).message


@pytest.mark.hostile
def test_several_edits_are_told_up_to_a_bound() -> None:
    of, messages = job(**SOURCE), []
    for digit in "bcdef0123":
        change = SourceChange(first="a" * 64, now=digit * 64)
        planned = plan(of, [child()], [pod(0)], reported=reported(change))
        of = after(of, planned)
        messages.append(told(planned).message)
    assert messages[1] == f"{messages[0]}, {'c' * 12}"
    assert messages[-1].count(", ") == MAX_NAMED
    assert messages[-1] == messages[-2]


@pytest.mark.parametrize("spec", [{}, SOURCE])
def test_nothing_is_told_of_a_source_that_stays(spec: dict[str, Any]) -> None:
    planned = plan(job(**spec), [child()], [pod(0, code=0, said=ended())])
    assert "SourceChanged" not in by_type(planned.status.conditions)
