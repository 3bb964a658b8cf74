"""Events: what a person would want to know, each once, when it becomes so."""

import pytest

from batchprocess.protocol.run import RunShape
from batchprocess_operator.model.observed import Reason
from batchprocess_operator.model.plan import GiveUpPod, ResetBackoff
from batchprocess_operator.model.reported import Reported
from batchprocess_operator.status.events import events_of
from support.operator.objects import (
    FINALIZER,
    WORKER,
    after,
    child,
    condition,
    job,
    plan,
    pod,
    result,
)
from support.operator.objects import ended as last_words
from support.operator.shard_reports import report

DONE = [
    child(status={"succeeded": 4, "completedIndexes": "0-3"}),
    child(FINALIZER, status={"succeeded": 1, "conditions": [condition("Complete")]}),
]


def reasons(planned):
    return [(event.type, event.reason) for event in planned.events]


def again(of, planned, *seen, **more):
    return plan(after(of, planned), *seen, **more).events


def counted_batches(*cursors: int) -> Reported:
    """Four shards of 25 batches, as reported."""
    shape = RunShape(rows=100, batch_size=1, batches=100)
    told = {shard: report(shard, cursor=cursor) for shard, cursor in enumerate(cursors)}
    return Reported(told, shape=shape)


class TestAHealthyJob:
    def test_tells_its_milestones_and_each_once(self) -> None:
        first = plan(job(), [child()])
        then = plan(after(job(), first), [child()], [pod(0)])
        assert first.events == ()
        assert reasons(then) == [("Normal", "Started")]
        assert again(job(), then, [child()], [pod(0)]) == ()
        sealed = plan(after(job(), then), DONE[:1])
        assert reasons(sealed) == [("Normal", "Finalizing")]
        assert again(job(), sealed, DONE[:1]) == ()

    def test_tells_each_tenth_of_the_way_and_of_several_the_last(self) -> None:
        seen, told = plan(job(), [child()], [pod(0)]), []
        for cursors in [(5, 4), (5, 5), (9, 9), (25, 25), (25, 25), (25, 25, 25, 24)]:
            batches = counted_batches(*cursors)
            seen = plan(after(job(), seen), [child()], [pod(0)], reported=batches)
            told += [one.message for one in seen.events if one.reason == "Progress"]
        assert told == [
            "10%: 10 of 100 batches, 0 of 4 shards",
            "50%: 50 of 100 batches, 0 of 4 shards",
            "99%: 99 of 100 batches, 0 of 4 shards",
        ]

    def test_tells_no_more_with_ten_thousand_shards(self) -> None:
        each, shape = 2, RunShape(rows=20_000, batch_size=1, batches=20_000)
        many = job(shards=10_000)
        seen, told = plan(many, [child(completions=10_000)], [pod(0)]), 0
        for done in range(0, 10_000, 499):
            reports = {k: report(k, cursor=each) for k in range(done)}
            seen = plan(
                after(many, seen),
                [child(completions=10_000)],
                [pod(0)],
                reported=Reported(reports, shape=shape),
            )
            told += len(seen.events)
        assert told == 9

    def test_says_that_its_worker_job_was_made_and_leaves_the_finalizer_to_its_state(self) -> None:
        (made,) = plan(job()).actions
        (event,) = events_of(made)
        assert (event.type, event.reason) == ("Normal", "JobCreated")
        assert event.message == f"Job {WORKER}, of 4 pods"
        (finalizer,) = plan(job(), DONE[:1]).actions
        assert list(events_of(finalizer)) == []


def test_words_that_differ_in_ports_and_numbers_are_the_same_event() -> None:
    def refused(port: int):
        why = f"webhook: dial tcp 10.0.0.5:{port}: connection refused"
        return plan(job(), refused={WORKER: Reason("NotAllowed", why)}).events[-1]

    assert refused(1).same == refused(2).same != ""


def test_completion_is_told_once_with_rows_and_address() -> None:
    said = [pod(of=FINALIZER, code=0, said=result())]
    planned = plan(job(), DONE, said)
    assert reasons(planned) == [("Normal", "Complete")]
    assert planned.events[0].message.startswith("100 rows in s3://bucket/out/digits/")
    assert again(job(), planned, DONE, said) == ()


def test_completion_with_failures_is_a_warning_that_names_causes_and_shards() -> None:
    ended = [
        child(
            status={
                "succeeded": 3,
                "completedIndexes": "0-2",
                "failedIndexes": "3",
                "conditions": [condition("Failed", "FailedIndexes")],
            }
        ),
        DONE[1],
    ]
    said = [pod(of=FINALIZER, code=0, said=result(failed_shards=1))]
    said.append(pod(3, code=90, said=last_words(code=90, message="KeyError: 'a'")))
    planned = plan(job(failurePolicy={"maxFailedShards": 1}), ended, said)
    assert reasons(planned) == [("Warning", "CompleteWithFailures")]
    assert planned.events[0].message == "100 rows; KeyError: 'a'; failed: shards 3"


def test_a_failed_shard_is_told_once_and_another_again() -> None:
    one = [child(status={"failedIndexes": "2"})]
    first = plan(job(), one)
    assert [event.message for event in first.events] == ["shards 2 have failed"]
    assert again(job(), first, one) == ()
    two = [child(status={"failedIndexes": "1,2"})]
    assert [event.message for event in again(job(), first, two)] == ["shards 1 have failed"]


def test_suspension_and_resumption_are_told() -> None:
    paused = job(suspend=True)
    planned = plan(paused, [child(suspend=True)])
    assert reasons(planned) == [("Normal", "Suspended")]
    resumed = plan(after(job(), planned, suspend=False), [child()], [pod(0, created=-5)])
    assert reasons(resumed) == [("Normal", "Started"), ("Normal", "Resumed")]


@pytest.mark.parametrize(
    "refusal", [Reason("NameConflict", "exists"), Reason("NotAllowed", "exceeded quota")]
)
def test_a_refused_child_is_told_once(refusal: Reason) -> None:
    planned = plan(job(), refused={WORKER: refusal})
    assert reasons(planned) == [("Warning", refusal.reason)]
    assert again(job(), planned, refused={WORKER: refusal}) == ()


def test_trouble_with_starting_is_told_when_its_reason_changes_and_not_when_it_repeats() -> None:
    def stuck(reason: str):
        return [pod(0, phase="Pending", state={"waiting": {"reason": reason, "message": "m"}})]

    first = plan(job(), [child()], stuck("ErrImagePull"))
    assert reasons(first) == [("Warning", "ErrImagePull")]
    assert again(job(), first, [child()], stuck("ErrImagePull")) == ()
    assert [e.reason for e in again(job(), first, [child()], stuck("InvalidImageName"))] == [
        "InvalidImageName"
    ]


def test_a_pod_that_was_given_up_is_told_when_it_is_done_whatever_becomes_of_the_status() -> None:
    (event,) = events_of(GiveUpPod("a", "uid", "node-1"))
    assert (event.reason, event.message) == ("PodGivenUp", "a: node node-1 is gone")
    assert list(events_of(ResetBackoff("a", "uid"))) == []


def test_a_retry_is_told_when_it_begins_and_not_when_it_is_asked_for() -> None:
    asked = plan(job(retry=1), [child()], [pod(0)])
    assert reasons(asked) == [("Normal", "Started")]
    ended = [child(status={"conditions": [condition("Failed", "FailedIndexes")]})]
    begun = plan(after(job(retry=1), asked), ended)
    assert ("Normal", "Retry") in reasons(begun)
    assert "spec.retry is 1: every shard that is not complete is worked on again" in str(
        begun.events
    )
    assert ("Normal", "Retry") not in reasons(plan(after(job(retry=1), begun), ended))
