"""A failed pod is told when it fails, in its own words, and not only after its last retry."""

from dataclasses import replace

import pytest

from batchprocess_operator.model.observed import Reason
from support.operator.objects import FINALIZER, WORKER, after, child, ended, job, plan, pod

SAID = "shard 0, batch 3: ValueError: row 7 is poison"
MANY = 10_000


def raised(index: int = 0, message: str = SAID, code: int = 90, **more):
    return pod(index, code=code, said=ended(code=code, message=message), **more)


def oom(index: int = 0, **more):
    return replace(pod(index, code=137, **more), died=Reason("OOMKilled", ""))


def told(planned):
    one = next((one for one in planned.status.conditions if one.type == "PodsFailed"), None)
    return None if one is None else (one.status, one.reason, one.message)


def events(planned):
    return [(event.reason, event.message) for event in planned.events]


def look(seen, *pods, **spec):
    return plan(after(job(), seen, **spec), [child()], pods)


BEGUN = plan(job(), [child()], [pod(0)])


def test_the_first_failed_pod_is_told_in_its_own_words_while_its_shard_is_tried_again() -> None:
    first = look(BEGUN, raised())
    message = f"{SAID}; pods of shards 0 have failed"
    assert first.status.state == "Running"
    assert told(first) == ("True", "UserCodeRaised", message)
    assert [(one.type, one.reason, one.message) for one in first.events] == [
        ("Warning", "UserCodeRaised", message)
    ]


def test_pods_that_fail_alike_are_told_in_the_status_and_by_no_further_event() -> None:
    first = look(BEGUN, raised())
    then = look(first, raised(), raised(1, "shard 1, batch 9: KeyError: 'a'", created=-9))
    assert told(then) == (
        "True",
        "UserCodeRaised",
        "shard 1, batch 9: KeyError: 'a'; pods of shards 0,1 have failed",
    )
    assert then.events == ()


def test_a_failed_pod_makes_no_write_of_its_own() -> None:
    """Progress is written every five seconds at most, and this with it."""
    first = look(BEGUN, raised())
    assert not first.urgent
    assert not look(first, raised(), oom(1)).urgent


def test_reasons_are_told_once_each_and_only_the_more_telling() -> None:
    first = look(BEGUN, raised(code=88, message="s3 is away"))
    second = look(first, raised(code=88, message="s3 is away"), oom(1))
    third = look(second, raised(code=88, message="s3 is away", created=-5), oom(1))
    killed = f"pod {oom(1).name} was OOMKilled (exit code 137, SIGKILL)"
    assert [events(one) for one in (first, second, third)] == [
        [("StorageFailed", "s3 is away; pods of shards 0 have failed")],
        [("OOMKilled", f"{killed}; s3 is away; pods of shards 0,1 have failed")],
        [],
    ]


def test_an_operator_that_starts_anew_tells_nothing_again() -> None:
    first = look(BEGUN, raised(), oom(1))
    assert look(first, raised(), oom(1)).events == ()


def test_what_was_said_outlives_the_pods() -> None:
    first = look(BEGUN, raised())
    cleared = look(first, pod(1))
    assert (told(cleared), cleared.events) == (told(first), ())
    back = look(cleared, oom(1))
    killed = f"pod {oom(1).name} was OOMKilled (exit code 137, SIGKILL)"
    assert told(back) == ("True", "UserCodeRaised", f"{killed}; pods of shards 1 have failed")
    assert back.events == ()


@pytest.mark.parametrize(
    "one",
    [
        pod(0),
        pod(0, code=0),
        raised(code=85, message="stopped"),
        raised(code=87, message="fenced"),
        raised(code=91, message="no such module"),
        raised(deleted=-5),
        raised(conditions=[{"type": "DisruptionTarget", "status": "True"}]),
        pod(0, code=1, said="python: No module named batchprocess"),
    ],
    ids=["runs", "sealed", "stopped", "fenced", "hopeless", "deleted", "evicted", "never-ran"],
)
def test_an_end_that_was_asked_for_or_is_told_elsewhere_is_none(one) -> None:
    assert told(look(BEGUN, one)) is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1, "PodError"),
        (86, "PodStalled"),
        (88, "StorageFailed"),
        (90, "UserCodeRaised"),
        (92, "NoProgress"),
        (94, "ShardClosed"),
        (137, "PodKilled"),
        (139, "PodKilled"),
    ],
)
def test_the_reason_is_of_the_exit_code(code: int, reason: str) -> None:
    planned = look(BEGUN, raised(code=code, message="m"))
    status, kind, message = told(planned)
    assert (status, kind) == ("True", reason)
    assert message.endswith("m; pods of shards 0 have failed")


def test_a_pod_that_its_sidecar_fails_is_told_and_its_shard_is_done() -> None:
    why = Reason("SidecarFailed", "container istio-proxy: exit code 3")
    one = replace(pod(0, code=0, phase="Failed"), failure=why)
    planned = look(BEGUN, one)
    assert told(planned) == (
        "True",
        "SidecarFailed",
        f"pod {one.name} has failed (exit code 0): SidecarFailed: container istio-proxy: "
        "exit code 3; pods of shards 0 have failed",
    )
    assert planned.status.shards.succeeded == 1
    over = [{"type": "Failed", "status": "True", "reason": "FailedIndexes"}]
    given_up = child(status={"completedIndexes": "1-3", "failedIndexes": "0", "conditions": over})
    assert plan(after(job(), planned), [given_up], [one]).status.state == "Finalizing"


def test_of_a_log_the_last_line_is_told() -> None:
    """The agent was killed before it wrote its message: Kubernetes has the end of the log."""
    planned = look(BEGUN, pod(0, code=139, said="loading\nFatal: a crash in native code\n\n"))
    message = told(planned)[2]
    assert message.endswith(": Fatal: a crash in native code; pods of shards 0 have failed")


@pytest.mark.hostile
def test_ten_thousand_failing_shards_are_one_event_and_a_bounded_message() -> None:
    big, made = job(shards=MANY, parallelism=MANY), child(completions=MANY)
    pods = [raised(k, f"shard {k}: " + "x" * 4000, name=f"{WORKER}-{k}") for k in range(0, MANY, 2)]
    seen, posted = plan(big, [made], pods[:1]), 1
    for count in (2, 500, len(pods)):
        seen = plan(after(big, seen), [made], pods[:count])
        posted += len(seen.events)
    assert posted == 1
    assert told(seen)[2].endswith("x…; pods of 5000 shards have failed")


def test_a_retry_begins_with_no_failed_pod() -> None:
    first = look(BEGUN, raised())
    again = child(f"{WORKER}-r1", retry=1, shards="0-3")
    begun = plan(after(job(retry=1), first), [child(), again], [raised(), pod(of=again.name)])
    assert told(begun) is None
    failed = plan(after(job(retry=1), begun), [child(), again], [raised(), raised(of=again.name)])
    assert [reason for reason, _ in events(failed)] == ["UserCodeRaised"]


def test_a_finalizer_that_is_tried_again_is_told_too() -> None:
    made = [child(status={"succeeded": 4, "completedIndexes": "0-3"}), child(FINALIZER)]
    seen = plan(after(job(), look(BEGUN, raised())), made, [raised()])
    assert (seen.status.state, told(seen)) == ("Finalizing", None)
    planned = plan(after(job(), seen), made, [raised(of=FINALIZER, code=88, message="s3 is away")])
    assert told(planned)[1:] == ("StorageFailed", "s3 is away; pods of the finalizer have failed")


def test_at_the_end_the_failure_alone_is_told() -> None:
    seen = look(BEGUN, raised())
    over = plan(
        after(job(), seen),
        [
            child(
                status={
                    "failedIndexes": "0",
                    "conditions": [{"type": "Failed", "status": "True", "reason": "FailedIndexes"}],
                }
            )
        ],
        [raised()],
    )
    assert (over.status.state, told(over)) == ("Failed", None)
    assert events(over)[0] == ("ShardsFailed", f"{SAID}; failed: shards 0")
