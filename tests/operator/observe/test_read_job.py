"""From the stored object to a job, and a status back to it."""

import copy

import pytest

from batchprocess.api.new_bounds import MAX_WORDS
from batchprocess_operator.model.conditions import by_type
from batchprocess_operator.observe.read_job import (
    Unreadable,
    read_job,
    read_status,
    stalled_status,
    status_body,
)
from support.operator.objects import NOW, UID, child, job, job_object, plan, pod


def test_a_job_is_read_with_its_identity_and_its_last_status() -> None:
    one = read_job(job_object({"state": "Running", "retry": 2}, retry=3), None)
    assert (one.identity.namespace, one.identity.name, one.identity.uid) == ("team", "digits", UID)
    assert (one.before.state, one.before.retry, one.body.spec.retry) == ("Running", 2, 3)


def test_fields_of_another_version_are_set_apart_wherever_they_are() -> None:
    template = {"spec": {"mood": {"a": 1}, "containers": [{"name": "worker", "hue": None}]}}
    finalizer = {"tolerations": [{"operator": "Exists"}, {"operator": "Exists", "until": 3}]}
    worker = {"gpus": 2, "niceness": 0, "template": template}
    raw = job_object(colour="blue", worker=worker, finalizer=finalizer)
    before = copy.deepcopy(raw)
    one = read_job(raw, None)
    assert {field.name: field.value for field in one.unknown} == {
        "spec.colour": "blue",
        "spec.finalizer.tolerations.1.until": 3,
        "spec.worker.niceness": 0,
        "spec.worker.template.spec.containers.0.hue": None,
        "spec.worker.template.spec.mood": {"a": 1},
    }
    assert one.body.spec.worker.gpus == 2
    assert one.body.spec.worker.template == {"spec": {"containers": [{"name": "worker"}]}}
    assert one.body.spec.finalizer.tolerations == [{"operator": "Exists"}] * 2
    assert raw == before


def test_a_value_of_another_version_is_named_though_there_are_unknown_fields_too() -> None:
    with pytest.raises(Unreadable, match=r"^spec\.shards: Input should be less than"):
        read_job(job_object(colour="blue", shards=20_000), None)


def test_a_rule_that_the_api_server_did_not_check_is_said_in_its_own_words() -> None:
    with pytest.raises(Unreadable, match=r"^spec: .*queueName"):
        read_job(job_object(queueName="gpus", suspend=True), None)


@pytest.mark.hostile
def test_a_status_that_nobody_can_read_is_made_anew() -> None:
    assert read_status(job_object({"state": "Dancing"})).state is None


@pytest.mark.hostile
@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2030-01-01T00:00:00"]
)
def test_a_status_with_times_that_nothing_can_be_made_of_is_made_anew(time: str) -> None:
    held = {"type": "Suspended", "status": "False", "reason": "x", "message": ""}
    for status in (
        {"state": "Failed", "completionTime": time},
        {"state": "Pending", "conditions": [held | {"lastTransitionTime": time}]},
    ):
        read = job(status, ttlSecondsAfterFinished=5)
        assert read.before.state is None
        assert plan(read, [child()]).status.state == "Pending"


@pytest.mark.hostile
@pytest.mark.parametrize(
    "text",
    [
        {"cursors": "1,2,3"},
        {"cursors": "1,2,3,-4"},
        {"claims": "x"},
        {"claims": "1,2,3,9" + "9" * 60},
        {"sealedShards": "abc"},
        {"failedShards": "0-99999999"},
    ],
    ids=str,
)
def test_texts_of_a_status_that_nobody_can_read_are_made_anew_and_the_rest_stays(text) -> None:
    (name,) = text
    good = {"state": "Running", "retry": 2, "cursors": "1,2,3,4", "failedShards": "1"}
    read = job(good | text, retry=2)
    assert (read.before.state, read.before.retry) == ("Running", 2)
    written = plan(read, [child(retry=2)], [pod()]).status.model_dump(by_alias=True)
    assert written[name] in ("", "0,0,0,0")
    kept = {"cursors": "1,2,3,4", "failedShards": ""} | {name: written[name]}
    assert {key: written[key] for key in kept} == kept


def test_a_status_of_a_newer_operator_is_read_as_far_as_it_is_known() -> None:
    assert read_status(job_object({"state": "Running", "mood": "good"})).state == "Running"


def test_writing_and_reading_a_status_changes_nothing() -> None:
    status = plan(job(), [child()], [pod(0)]).status
    body = status_body(job_object(), status)
    assert read_status(body) == status


def test_only_the_version_that_was_decided_upon_may_be_written_over() -> None:
    body = status_body(job_object(), plan(job()).status)
    assert body["metadata"] == {
        "name": "digits",
        "namespace": "team",
        "uid": UID,
        "resourceVersion": "1",
    }


class TestUnreadable:
    BEFORE = {  # noqa: RUF012  never changed
        "state": "Running",
        "cursors": "1,2,3,4",
        "conditions": [
            {
                "type": "Running",
                "status": "True",
                "reason": "PodsRunning",
                "message": "",
                "lastTransitionTime": "2030-01-01T11:59:00Z",
            }
        ],
    }

    def test_is_said_and_changes_nothing_else(self) -> None:
        """Failed would be final: after an upgrade the job could not go on."""
        status = stalled_status(job_object(self.BEFORE), "InvalidSpec", "spec.x: no", NOW)
        assert (status.state, status.cursors) == ("Running", "1,2,3,4")
        told = by_type(status.conditions)
        assert told["Running"].status == "True"
        stalled = told["Stalled"]
        assert (stalled.status, stalled.reason, stalled.message) == (
            "True",
            "InvalidSpec",
            "spec.x: no",
        )

    def test_is_shown_in_the_column_of_reasons_and_leaves_the_others(self) -> None:
        shown = {"display": {"progress": "3/9", "reason": "Unschedulable"}}
        status = stalled_status(job_object(self.BEFORE | shown), "InvalidSpec", "m", NOW)
        assert status.display is not None
        assert (status.display.progress, status.display.reason) == ("3/9", "InvalidSpec")

    def test_is_pending_if_nothing_has_begun(self) -> None:
        assert stalled_status(job_object(), "InvalidSpec", "m", NOW).state == "Pending"

    def test_is_said_once(self) -> None:
        first = stalled_status(job_object(self.BEFORE), "InvalidSpec", "m", NOW)
        raw = status_body(job_object(), first)
        assert stalled_status(raw, "InvalidSpec", "m", NOW) == first


def test_settings_too_large_for_an_environment_variable_fail_the_job_with_the_size() -> None:
    planned = plan(job(hparams={"text": "x" * 200_000}))
    assert planned.status.state == "Failed"
    failed = by_type(planned.status.conditions)["Failed"]
    assert failed.reason == "InvalidSpec"
    assert "spec.hparams has 200" in failed.message
    assert planned.actions == ()


def test_a_job_that_was_stored_before_a_bound_is_read() -> None:
    pod = {"initContainers": [{"name": "fetch", "args": ["x"] * (MAX_WORDS + 1)}]}
    assert read_job(job_object(worker={"template": {"spec": pod}}), None).body.spec.shards


def test_a_status_longer_than_may_be_written_is_read() -> None:
    raw = job_object({"cursors": "1," * 200_000 + "1"})
    assert read_status(raw).cursors
