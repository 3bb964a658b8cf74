"""What the status says of times."""

from datetime import timedelta

import pytest

from batchprocess_operator.model.observed import Reason
from support.operator.objects import (
    FINALIZER,
    NOW,
    WORKER,
    after,
    child,
    condition,
    job,
    plan,
    pod,
    result,
)

ALL = {"succeeded": 4, "completedIndexes": "0-3"}
DONE = child(FINALIZER, status={"succeeded": 1, "conditions": [condition("Complete")]})
SAID = pod(of=FINALIZER, code=0, said=result())


def test_a_job_that_was_seen_to_run_began_then() -> None:
    running = plan(job(), [child()], [pod(0)])
    assert running.status.start_time == NOW
    ended = plan(after(job(), running), [child(status=ALL), DONE], [SAID], later=60)
    assert ended.status.state == "Complete"
    assert ended.status.start_time == NOW


def test_a_job_that_was_over_before_anybody_looked_began_when_kubernetes_says() -> None:
    finalizing = plan(job(), [child(created=-60, status=ALL)])
    assert finalizing.status.state == "Finalizing"
    assert finalizing.status.start_time == NOW - timedelta(seconds=60)
    ended = plan(job(), [child(created=-60, status=ALL), DONE], [SAID])
    assert (ended.status.start_time, ended.status.completion_time) == (
        NOW - timedelta(seconds=60),
        NOW,
    )


def test_a_start_is_never_after_the_end_whatever_the_clocks_say() -> None:
    ahead = plan(job(), [child(created=5, status=ALL), DONE], [SAID])
    assert ahead.status.start_time == ahead.status.completion_time == NOW


def test_a_job_that_failed_before_anybody_saw_it_run_began_too() -> None:
    broken = child(status={"conditions": [condition("Failed", "PodFailurePolicy")]})
    ended = plan(job(), [broken], [pod(0, code=91)])
    assert ended.status.state == "Failed"
    assert ended.status.start_time == NOW - timedelta(seconds=60)


def test_a_job_that_never_ran_has_no_start() -> None:
    assert plan(job(), [child()]).status.start_time is None
    refused = plan(job(), refused={WORKER: Reason("JobRejected", "no")})
    assert (refused.status.state, refused.status.start_time) == ("Failed", None)


@pytest.mark.hostile
def test_pods_that_only_have_our_labels_do_not_count():
    planned = plan(
        job(), [child()], [pod(0, of="a-stranger"), pod(1, of="another", phase="Pending")]
    )
    assert (planned.status.state, planned.status.replicas) == ("Pending", 0)
    running = {one.type: one for one in planned.status.conditions}["Running"]
    assert running.status == "False"
    assert plan(job(), [child()], [pod(0), pod(0, of="a-stranger")]).status.replicas == 1


def test_foreign_text_outside_of_conditions_is_cleaned_as_in_them():
    uri = "s3://bucket/a\x1b[31mb\nc"
    said = result(metrics_error="ValueError: \x1b]0;x\x07" + "y" * 3_000)
    final = plan(
        job(output={"uri": uri}), [child(status=ALL), DONE], [pod(of=FINALIZER, code=0, said=said)]
    )
    assert final.status.output_uri.startswith("s3://bucket/a [31mb c/digits/")
    assert final.status.metrics_error.isprintable()
    assert len(final.status.metrics_error) == 1_024
