"""What is counted over all shards, and that rows were left out."""

import pytest

from batchprocess.api.status import Condition, Status
from batchprocess.protocol.termination import ShardEnd
from batchprocess_operator.model.conditions import by_type
from batchprocess_operator.model.plan import Plan
from batchprocess_operator.model.reported import Reported
from support.operator.objects import FINALIZER, after, child, condition, ended, job, plan, pod
from support.operator.objects import result as finalizer_result
from support.operator.planned import DONE
from support.operator.shard_reports import SHAPE, report

SKIP = {"failurePolicy": {"onBadRow": "skip"}}


def heard(*bad: int) -> Reported:
    """Reports of the first shards, of a dataset of 37 rows."""
    return Reported({n: report(n, bad_rows=number) for n, number in enumerate(bad)}, SHAPE)


def told(planned: Plan) -> Condition | None:
    return by_type(planned.status.conditions).get("BadRows")


def of(status: Status | None) -> int | None:
    assert status is not None
    return status.bad_rows


def test_a_job_without_bad_rows_says_nothing_of_them() -> None:
    planned = plan(job(**SKIP), [child()], [pod(0)], reported=heard(0, 0))
    assert (of(planned.status), told(planned)) == (None, None)


def test_bad_rows_of_all_shards_are_added_and_told_once() -> None:
    of_job = job(failurePolicy={"onBadRow": "skip", "maxBadRows": 5})
    planned = plan(of_job, [child()], [pod(0), pod(1)], reported=heard(1, 3))
    found = told(planned)
    assert of(planned.status) == 4
    assert found is not None
    assert (found.status, found.reason) == ("True", "RowsLeftOut")
    assert found.message == "4 rows were left out; batchprocess results --errors names each"
    assert "RowsLeftOut" in [event.reason for event in planned.events]
    more = plan(after(of_job, planned), [child()], [pod(0), pod(1)], reported=heard(2, 3))
    assert of(more.status) == 5
    assert more.events == ()
    assert not more.urgent


def test_more_than_are_allowed_are_a_warning_and_end_nothing() -> None:
    planned = plan(job(**SKIP), [child()], [pod(0)], reported=heard(1, 1))
    found = told(planned)
    assert found is not None
    assert (planned.status.state, found.reason) == ("Running", "AboveLimit")
    assert "2 rows were left out, and failurePolicy.maxBadRows allows 1:" in found.message


def test_a_termination_message_counts_where_no_report_came() -> None:
    said = ended(ShardEnd(shard=0, cursor=3, seq=4, bad_rows=2))
    planned = plan(job(**SKIP), [child()], [pod(0, code=0, said=said)], reported=heard(1))
    assert of(planned.status) == 2


@pytest.mark.hostile
def test_nobody_has_more_bad_rows_than_there_are_rows() -> None:
    planned = plan(job(**SKIP), [child()], [pod(0)], reported=heard(2**53 - 1, 2**53 - 1))
    assert of(planned.status) == SHAPE.rows


def test_no_number_goes_back_when_an_operator_starts_anew() -> None:
    first = plan(job(**SKIP), [child()], [pod(0)], reported=heard(1))
    again = plan(after(job(**SKIP), first), [child()], [pod(0)])
    assert of(again.status) == 1
    assert told(again) == told(first)


def test_at_the_end_the_finalizers_count_stands_with_words_that_hold_for_good() -> None:
    first = plan(job(**SKIP), [child()], [pod(0)], reported=heard(2))
    done = child(FINALIZER, status={"succeeded": 1, "conditions": [condition("Complete")]})
    pods = [pod(of=FINALIZER, code=0, said=finalizer_result(bad_rows=3))]
    last = plan(after(job(**SKIP), first), [child(status=DONE), done], pods)
    found = told(last)
    assert found is not None
    assert (last.status.state, of(last.status), found.reason) == ("Complete", 3, "RowsLeftOut")
    assert found.message == "3 rows were left out; batchprocess results --errors names each"
    # Long after, when its pods are gone.
    kept = plan(after(job(**SKIP), last), [])
    assert (of(kept.status), told(kept)) == (3, found)
