"""The models know every rule of the CRD, but for those that only a cluster asks for."""

import pytest
from pydantic import ValidationError

from batchprocess.api.job import BatchProcessJob
from support.job_cases import CASES, Case, job, rules, spec

NAME = "metadata.name must have at most 40"


def test_every_rule_of_the_crd_has_a_case():
    said = [message for message in set(rules()) if not message.startswith(NAME)]
    told = {case.says: [one for one in said if one.startswith(case.says)] for case in CASES}
    assert {says: len(found) for says, found in told.items()} == dict.fromkeys(told, 1)
    assert {one for found in told.values() for one in found} == set(said)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_spec_that_keeps_the_rule_is_read(case: Case):
    BatchProcessJob.model_validate(job(spec(**case.good)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_spec_that_breaks_the_rule_is_refused_with_its_sentence(case: Case):
    wrong = job(spec(**case.bad))
    if case.cluster_only:
        BatchProcessJob.model_validate(wrong)
        return
    with pytest.raises(ValidationError) as caught:
        BatchProcessJob.model_validate(wrong)
    assert [case.says in one["msg"] for one in caught.value.errors()] == [True]


def test_a_null_is_as_good_as_absent():
    made = BatchProcessJob.model_validate(job(spec(shards=4) | {"shards": None, "runId": None}))
    assert (made.spec.shards, made.spec.run_id) == (1, None)
    assert not {"shards", "run_id"} & made.spec.model_fields_set


def test_a_null_in_a_map_is_as_good_as_absent():
    chosen = {"nodeSelector": {"pool": "gpu", "zone": None}}
    read = BatchProcessJob.model_validate(job(spec(finalizer=chosen)))
    assert read.spec.finalizer.node_selector == {"pool": "gpu"}


def test_a_whole_number_may_be_written_as_a_float():
    assert BatchProcessJob.model_validate(job(spec(shards=64.0))).spec.shards == 64


def test_a_null_that_means_something_is_kept():
    policy = {"maxAttemptsWithoutProgress": None, "lostNodeSeconds": None}
    read = BatchProcessJob.model_validate(job(spec() | {"failurePolicy": policy}))
    assert read.spec.failure_policy.max_attempts_without_progress is None
    assert read.spec.failure_policy.lost_node_seconds is None


def test_the_template_is_kept_as_it_was_written():
    written = {"spec": {"nodeSelector": {"pool": "gpu"}, "containers": [{"name": "worker"}]}}
    read = BatchProcessJob.model_validate(job(spec(worker={"template": written})))
    assert read.spec.worker.template == written
    assert read.model_dump(by_alias=True)["spec"]["worker"]["template"] == written


@pytest.mark.parametrize("wrong", ["3", 3.5, True])
def test_a_number_is_not_made_of_something_else(wrong):
    with pytest.raises(ValidationError, match=r"spec\.shards"):
        BatchProcessJob.model_validate(job(spec(shards=wrong)))
