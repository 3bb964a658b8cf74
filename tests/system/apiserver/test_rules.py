"""Each rule of the CRD accepts what keeps it and refuses what breaks it, with its sentence."""

import pytest

from batchprocess.api.rules import JOB_RULES
from support.job_cases import CASES, Case, spec
from support.kube.job_server import JobServer, Refused

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_spec_that_keeps_the_rule_is_accepted(case: Case, session_server: JobServer):
    session_server.create(spec(**case.good), dry=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_spec_that_breaks_the_rule_is_refused_by_field_and_sentence(
    case: Case, session_server: JobServer
):
    with pytest.raises(Refused) as caught:
        session_server.create(spec(**case.bad), dry=True)
    assert caught.value.code == 422
    assert case.says in caught.value.message
    assert caught.value.fields == [case.field]


@pytest.mark.parametrize("name", ["a", "digits-2", "1", "x" * 40])
def test_a_name_that_fits_into_pod_names_is_accepted(name: str, session_server: JobServer):
    session_server.create(spec(), name, dry=True)


@pytest.mark.parametrize("name", ["x" * 41, "a.b"])
def test_another_name_is_refused(name: str, session_server: JobServer):
    with pytest.raises(Refused) as caught:
        session_server.create(spec(), name, dry=True)
    assert JOB_RULES[0].message in caught.value.message
    assert caught.value.fields == ["metadata.name"]


def replace(field: str, value: object) -> list[dict[str, object]]:
    return [{"op": "replace", "path": f"/spec/{field}", "value": value}]


def test_retry_may_grow(server: JobServer):
    server.create(spec(retry=1))
    assert server.patch(replace("retry", 3))["spec"]["retry"] == 3


@pytest.mark.parametrize("patch", [replace("retry", 0), [{"op": "remove", "path": "/spec/retry"}]])
def test_retry_may_not_shrink(patch: list[dict[str, object]], server: JobServer):
    server.create(spec(retry=1))
    with pytest.raises(Refused, match="spec.retry may only grow") as caught:
        server.patch(patch)
    assert caught.value.fields == ["spec.retry"]


@pytest.mark.parametrize("state", ["Complete", "CompleteWithFailures"])
def test_a_complete_job_is_not_tried_again(state: str, server: JobServer):
    server.create(spec())
    server.patch_status({"state": state})
    with pytest.raises(Refused, match="a complete run is final") as caught:
        server.patch(replace("retry", 1))
    assert caught.value.fields == ["spec.retry"]


@pytest.mark.parametrize("state", ["Failed", "Running"])
def test_another_job_is_tried_again(state: str, server: JobServer):
    server.create(spec())
    server.patch_status({"state": state})
    server.patch(replace("retry", 1))


def test_parallelism_may_change_without_a_queue(server: JobServer):
    server.create(spec(parallelism=2))
    server.patch(replace("parallelism", 7))


def test_parallelism_may_not_change_with_a_queue(server: JobServer):
    server.create(spec(parallelism=2, queueName="gpus"))
    with pytest.raises(Refused, match="Kueue has admitted it") as caught:
        server.patch(replace("parallelism", 7))
    assert caught.value.fields == ["spec.parallelism"]


def test_parallelism_of_an_elastic_job_may_change_with_a_queue(server: JobServer):
    server.create(spec(parallelism=2, queueName="gpus", elastic=True))
    server.patch(replace("parallelism", 7))


def test_a_queued_job_may_not_be_suspended(server: JobServer):
    server.create(spec(queueName="gpus"))
    with pytest.raises(Refused, match="spec.suspend must be false with spec.queueName"):
        server.patch(replace("suspend", True))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("parallelism", 0),
        ("suspend", True),
        ("retry", 1),
        ("ttlSecondsAfterFinished", 60),
        ("timeouts/activeDeadlineSeconds", 3600),
        ("finalizer/activeDeadlineSeconds", 3600),
        ("finalizer/gpus", 1),
        ("failurePolicy/maxBadRows", 7),
    ],
)
def test_a_mutable_field_may_be_set_changed_and_removed(path: str, value: object, server):
    server.create(spec(failurePolicy={"onBadRow": "skip"}))
    server.patch([{"op": "add", "path": f"/spec/{path}", "value": value}])
    if path == "retry":
        return
    if not isinstance(value, bool):
        server.patch([{"op": "replace", "path": f"/spec/{path}", "value": value + 1}])
    server.patch([{"op": "remove", "path": f"/spec/{path}"}])


def test_who_is_told_may_be_set_changed_and_removed(server: JobServer):
    server.create(spec())
    path = "/spec/notify"
    server.patch([{"op": "add", "path": path, "value": {"to": "team"}}])
    server.patch([{"op": "add", "path": f"{path}/everyPercent", "value": 10}])
    server.patch([{"op": "add", "path": f"{path}/events", "value": []}])
    server.patch([{"op": "replace", "path": path, "value": {"to": "other"}}])
    server.patch([{"op": "remove", "path": path}])


def test_rows_that_are_left_out_by_hand_may_be_others_and_none(server: JobServer):
    server.create(spec(rows={"badRowsOf": "a-run"}))
    for skip in ([7], [7, 9_007_199_254_740_991], []):
        server.patch([{"op": "add", "path": "/spec/rows/skip", "value": skip}])
    server.patch([{"op": "remove", "path": "/spec/rows/skip"}])
    for wrong in ([-1], ["7"], [1.5], [*range(1_001)]):
        with pytest.raises(Refused):
            server.patch([{"op": "add", "path": "/spec/rows/skip", "value": wrong}])


def test_all_of_the_finalizer_may_be_changed(server: JobServer):
    server.create(spec(finalizer={"resources": {"limits": {"cpu": 1}}}))
    for own in (
        {"template": {"spec": {"priorityClassName": "high"}}, "nodeSelector": {"a": "1"}},
        {"tolerations": [{"key": "a"}], "resources": {"limits": {"memory": 1}}},
    ):
        changed = server.patch(replace("finalizer", own))["spec"]["finalizer"]
        assert own.items() <= changed.items()
        assert changed["activeDeadlineSeconds"] == 86_400
