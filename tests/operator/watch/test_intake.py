"""One object after the other, and none is the trouble of another."""

from typing import Any

import pytest

from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.intake import Intake, uid_of
from support.operator.objects import UID, job_object

pytestmark = pytest.mark.hostile


def bad_pods() -> list[Any]:
    whole = {"name": "p", "namespace": "team", "uid": "p", "resourceVersion": "1"}
    whole["labels"] = {"batchprocess.dev/job-uid": UID}
    ours = {"kind": "Pod", "metadata": whole, "spec": {}, "status": {}}
    late = whole | {"creationTimestamp": "yesterday"}
    return [
        ours,
        ours | {"metadata": late},
        ours | {"metadata": late | {"labels": "none"}},
        ours | {"metadata": late | {"creationTimestamp": "2030-01-01T00:00:00Z"}, "spec": None},
        {},
        {"metadata": None},
        [],
    ]


@pytest.mark.parametrize("raw", bad_pods())
def test_whatever_is_wrong_with_an_object_it_is_left_out_and_counted(raw: Any) -> None:
    intake = Intake(JobCache(), lambda uid: None)
    assert intake.put("pod", raw) is None
    assert intake.unreadable == 1


def test_an_object_that_comes_again_and_again_is_said_once(caplog) -> None:
    intake = Intake(JobCache(), lambda uid: None)
    for _ in range(3):
        intake.put("pod", bad_pods()[0])
    assert intake.unreadable == 3
    assert caplog.text.count("Pod team/p is ignored: KeyError") == 1


def test_what_can_be_read_names_its_job() -> None:
    intake = Intake(JobCache(), lambda uid: None)
    assert intake.put("job", job_object()) == UID
    assert intake.drop("job", job_object()) == UID


@pytest.mark.parametrize(
    ("raw", "uid"), [(job_object(), UID), ({}, ""), ({"metadata": {"uid": 7}}, ""), (None, "")]
)
def test_what_has_no_uid_has_an_empty_one(raw: Any, uid: str) -> None:
    assert uid_of(raw) == uid
