"""What is kept of a job between passes, whatever a tenant wrote into it."""

from typing import Any

import pytest

from batchprocess_operator.observe.stored_job import MAX_SPEC, MAX_STATUS, stored_job
from support.operator.objects import UID, job_object


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_what_a_pass_reads_is_kept_and_nothing_else() -> None:
    raw = job_object({"state": "Running"}, shards=8, worker={"processesPerWorker": 4})
    wanted = {"metadata": dict(raw["metadata"]), "spec": raw["spec"], "status": raw["status"]}
    raw["metadata"] |= {"managedFields": [{"fieldsV1": deep(3_000)}], "annotations": {"a": "b"}}
    kept = stored_job(raw)
    assert kept.unpacked() == wanted
    assert (kept.namespace, kept.name, kept.uid, kept.version) == ("team", "digits", UID, 1)
    assert (kept.state, kept.shards, kept.processes_per_worker) == ("Running", 8, 4)
    assert (kept.deleting, kept.refusal, kept.unreadable) == (False, "", "")


def test_a_job_that_is_being_deleted_is_known_as_such() -> None:
    raw = job_object()
    raw["metadata"]["deletionTimestamp"] = "2030-01-01T00:00:00Z"
    assert stored_job(raw).deleting


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("hparams", "why"),
    [
        ({"a": "x" * 110_000}, "spec.hparams has 110008 bytes as JSON and may have 102400"),
        ({"a": [[]] * 50_000}, "spec.hparams has 150007 bytes as JSON and may have 102400"),
        ({"a": deep(195)}, "spec.hparams cannot be kept with a run: it is nested too deep"),
        ({"a": deep(9_000)}, "spec.hparams cannot be kept with a run: it is nested too deep"),
    ],
)
def test_hparams_that_no_worker_is_given_are_replaced_by_a_sentence(hparams: Any, why: str) -> None:
    kept = stored_job(job_object(hparams=hparams))
    assert kept.refusal.startswith(why)
    assert kept.unpacked()["spec"] == job_object(hparams={})["spec"]
    assert kept.unreadable == ""


@pytest.mark.hostile
def test_a_spec_that_is_too_large_is_replaced_by_a_sentence() -> None:
    kept = stored_job(job_object(command=["x" * 30_000] * 10))
    assert kept.unreadable.startswith(f"spec has 300124 bytes as JSON and may have {MAX_SPEC}: put")
    assert kept.unpacked()["spec"] == {}


def test_a_job_under_way_that_an_older_release_began_goes_on_whatever_its_size() -> None:
    kept = stored_job(job_object({"state": "Running"}, command=["x" * 30_000] * 10))
    assert kept.unreadable == ""
    assert len(kept.unpacked()["spec"]["command"]) == 10


@pytest.mark.hostile
def test_a_spec_that_is_nested_too_deep_is_replaced_by_a_sentence() -> None:
    template = {"spec": {"affinity": {"nodeAffinity": deep(500)}}}
    kept = stored_job(job_object(worker={"template": template}))
    assert kept.unreadable == "spec: it has more than 200 lists and dicts in each other"


@pytest.mark.hostile
@pytest.mark.parametrize(
    "status", [{"metrics": deep(500)}, {"metrics": "x" * MAX_STATUS}, ["no status"]]
)
def test_a_status_that_we_have_not_written_is_none(status: Any) -> None:
    assert stored_job(job_object() | {"status": status}).unpacked()["status"] == {}
