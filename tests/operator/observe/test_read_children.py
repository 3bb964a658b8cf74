"""Objects of the API server as values; what in them a tenant may have written is not trusted."""

import json

import pytest

from batchprocess.kube.names import LABEL_ROLE
from batchprocess.protocol.termination import Result, ShardEnd, Termination
from batchprocess_operator.model.names import ANNOTATION_FINALIZER
from batchprocess_operator.observe.read_children import (
    child_of,
    job_uid,
    owner_uid,
    pod_of,
    read_termination,
)
from support.operator.objects import NOW, UID, stamp


def raw_pod(**changes):
    meta = {"name": "a", "namespace": "team", "uid": "u", "resourceVersion": "7"}
    meta |= {"creationTimestamp": stamp()} | changes.pop("meta", {})
    return {"metadata": meta, "spec": changes.pop("spec", {}), "status": changes.pop("status", {})}


def raw_job(notes=None, status=None):
    meta = {"name": "a", "namespace": "team", "uid": "u", "resourceVersion": "7"}
    meta |= {"creationTimestamp": stamp(), "annotations": notes}
    return {"metadata": meta, "spec": {}, "status": status or {}}


def test_a_pod_that_was_just_made_has_no_status_yet_and_is_pending() -> None:
    pod = pod_of(raw_pod())
    assert (pod.phase, pod.started, pod.alive, pod.index, pod.node) == (
        "Pending",
        False,
        True,
        0,
        None,
    )
    assert (pod.created, pod.version, pod.namespace) == (NOW, 7, "team")


def test_only_the_container_worker_counts() -> None:
    statuses = [
        {"name": "sidecar", "state": {"running": {"startedAt": stamp()}}},
        {"name": "worker", "state": {"waiting": {"reason": "PodInitializing"}}},
    ]
    pod = pod_of(raw_pod(status={"phase": "Pending", "containerStatuses": statuses}))
    assert not pod.started
    assert pod.waiting is None


def test_an_init_container_that_waits_for_its_image_is_why_the_pod_does_not_start() -> None:
    waits = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    pod = pod_of(raw_pod(status={"initContainerStatuses": [{"name": "fetch", "state": waits}]}))
    assert pod.waiting is not None
    assert (pod.waiting.reason, pod.waiting.message) == ("ErrImagePull", "no such image")


def test_a_pod_that_was_evicted_before_its_container_started_has_ended() -> None:
    pod = pod_of(raw_pod(status={"phase": "Failed", "reason": "Evicted"}))
    assert (pod.ended, pod.alive, pod.exit_code) == (True, False, None)


def test_a_container_that_was_killed_has_the_kubelets_word() -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    pod = pod_of(raw_pod(status={"containerStatuses": [{"name": "worker", "state": ended}]}))
    assert pod.died is not None
    assert (pod.exit_code, pod.died.reason) == (137, "OOMKilled")


def test_a_pod_on_its_way_out_has_the_time_by_which_it_must_be_gone() -> None:
    assert pod_of(raw_pod(meta={"deletionTimestamp": stamp()})).lost_at == NOW


@pytest.mark.hostile
@pytest.mark.parametrize("text", ["abc", "-1", "1e9", "", "99999999999999999999"])
def test_numbers_in_labels_and_annotations_that_are_none_are_0(text: str) -> None:
    key = "batch.kubernetes.io/job-completion-index"
    ignored = "batch.kubernetes.io/job-index-ignored-failure-count"
    pod = pod_of(raw_pod(meta={"labels": {key: text}, "annotations": {ignored: text}}))
    assert (pod.index, pod.ignored) == (0, 0)
    assert child_of(raw_job({"batchprocess.dev/retry": text})).retry == 0


def test_only_true_conditions_of_a_job_count() -> None:
    told = [
        {"type": "Complete", "status": "False"},
        {"type": "FailureTarget", "status": "True", "reason": "FailedIndexes", "message": "m"},
    ]
    child = child_of(raw_job(status={"conditions": told}))
    assert list(child.conditions) == ["FailureTarget"]
    assert child.ended
    assert child.failure is not None
    assert child.failure.reason == "FailedIndexes"


def test_a_suspended_job_has_not_ended() -> None:
    told = [{"type": "Suspended", "status": "True"}]
    assert not child_of(raw_job(status={"conditions": told})).ended


@pytest.mark.hostile
def test_a_worker_job_that_somebody_labels_as_a_finalizer_stays_one_of_workers() -> None:
    raw = raw_job()
    raw["metadata"]["labels"] = {LABEL_ROLE: "finalizer"}
    raw["spec"]["template"] = {"metadata": {"labels": {LABEL_ROLE: "worker"}}}
    assert child_of(raw).role == "worker"
    raw["spec"]["template"]["metadata"]["labels"][LABEL_ROLE] = "finalizer"
    assert child_of(raw).role == "finalizer"


def test_shards_of_a_retry_are_in_order() -> None:
    assert child_of(raw_job({"batchprocess.dev/shards": "7,1-3"})).shards == (1, 2, 3, 7)


def test_a_finalizers_digest_that_somebody_wrote_anew_is_cut() -> None:
    assert child_of(raw_job({ANNOTATION_FINALIZER: "x" * 9_000})).finalizer == "x" * 64


def test_the_owner_is_the_controlling_one() -> None:
    owners = [{"uid": "other"}, {"uid": UID, "controller": True}]
    assert owner_uid(raw_pod(meta={"ownerReferences": owners})) == UID
    assert owner_uid(raw_pod(meta={"ownerReferences": owners[:1]})) is None
    assert job_uid(raw_pod()) is None


class TestTermination:
    def test_is_read_as_it_was_written(self) -> None:
        said = Termination(code=85, shards=(ShardEnd(shard=1, cursor=3, seq=4),))
        assert read_termination(said.encode().decode()) == said

    @pytest.mark.parametrize("text", [None, "", "Traceback (most recent call last):", "[]", "7"])
    def test_the_tail_of_a_log_is_none(self, text) -> None:
        assert read_termination(text) is None

    @pytest.mark.hostile
    @pytest.mark.parametrize(
        "said",
        [
            Termination(shards=(ShardEnd(shard=-1, cursor=0),)),
            Termination(shards=(ShardEnd(shard=0, cursor=2**63),)),
            Termination(shards=(ShardEnd(shard=0, cursor=0, seq=-4),)),
            Termination(shards=(ShardEnd(shard=0, cursor=0, total=10**40),)),
            Termination(result=Result(rows=-1, batches=0)),
            Termination(result=Result(rows=0, batches=0, attempts=10**30)),
        ],
    )
    def test_numbers_that_no_status_can_hold_make_it_none(self, said: Termination) -> None:
        assert read_termination(said.model_dump_json()) is None

    @pytest.mark.hostile
    def test_a_dataset_that_cannot_be_cut_makes_it_none(self) -> None:
        run = {"rows": 5, "batch_size": 0, "batches": 0}
        assert read_termination(json.dumps({"run": run})) is None
