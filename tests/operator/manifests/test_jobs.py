"""The child Jobs: their indexes, retries, names and owners."""

import pytest

from support.operator.manifests import env_of, finalizer, worker
from support.operator.objects import FINALIZER, UID, WORKER


class TestWorkerJob:
    def test_is_indexed_with_an_index_a_shard(self) -> None:
        spec = worker()["spec"]
        assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == (
            "Indexed",
            4,
            2,
        )
        assert (spec["backoffLimitPerIndex"], spec["podReplacementPolicy"]) == (3, "Failed")
        assert spec["suspend"] is False
        assert "activeDeadlineSeconds" not in spec
        assert "maxFailedIndexes" not in spec

    def test_has_as_many_indexes_as_pods_are_needed(self) -> None:
        made = worker(worker={"processesPerWorker": 3})["spec"]
        assert made["completions"] == 2

    def test_tolerates_failed_shards_only_where_a_pod_is_a_shard(self) -> None:
        assert worker(failurePolicy={"maxFailedShards": 0})["spec"]["maxFailedIndexes"] == 0
        assert worker(failurePolicy={"maxFailedShards": 2})["spec"]["maxFailedIndexes"] == 2
        assert worker(failurePolicy={"maxFailedShards": 99})["spec"]["maxFailedIndexes"] == 4
        several = {"processesPerWorker": 2}
        made = worker(failurePolicy={"maxFailedShards": 1}, worker=several)
        assert "maxFailedIndexes" not in made["spec"]

    def test_is_named_and_labelled_after_the_job_and_owned_by_it(self) -> None:
        meta = worker()["metadata"]
        assert (meta["name"], meta["namespace"]) == (WORKER, "team")
        assert meta["labels"]["batchprocess.dev/job"] == "digits"
        assert meta["labels"]["batchprocess.dev/job-uid"] == UID
        assert meta["labels"]["batchprocess.dev/role"] == "worker"
        (owner,) = meta["ownerReferences"]
        assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (
            UID,
            True,
            False,
        )

    def test_of_a_retry_has_the_shards_that_are_left_in_environment_and_annotations(self) -> None:
        made = worker(frozenset({7, 1, 2}), shards=8, retry=3)
        assert made["metadata"]["name"] == f"{WORKER}-r3"
        assert made["spec"]["completions"] == 3
        assert env_of(made)["BATCHPROCESS_SHARD_LIST"] == "[1, 2, 7]"
        assert env_of(made)["BATCHPROCESS_RETRY"] == "3"
        for meta in (made["metadata"], made["spec"]["template"]["metadata"]):
            assert meta["annotations"]["batchprocess.dev/shards"] == "1,2,7"

    def test_without_a_retry_says_nothing_of_shards(self) -> None:
        assert "batchprocess.dev/shards" not in worker()["metadata"]["annotations"]
        assert "BATCHPROCESS_SHARD_LIST" not in env_of(worker())

    @pytest.mark.parametrize("make", [worker, finalizer])
    def test_for_kueue_both_begin_suspended_with_the_queues_label(self, make) -> None:
        made = make(queueName="gpus")
        assert made["spec"]["suspend"] is True
        assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
        alone = make()
        assert alone["spec"]["suspend"] is False
        assert "kueue.x-k8s.io/queue-name" not in alone["metadata"]["labels"]

    def test_only_the_workers_of_an_elastic_job_are_elastic(self) -> None:
        note = "kueue.x-k8s.io/elastic-job"
        elastic = {"queueName": "gpus", "elastic": True}
        assert worker(**elastic)["metadata"]["annotations"][note] == "true"
        assert note not in finalizer(**elastic)["metadata"]["annotations"]
        assert note not in worker(queueName="gpus")["metadata"]["annotations"]

    def test_has_the_deadline_that_the_job_has(self) -> None:
        made = worker(timeouts={"activeDeadlineSeconds": 50})
        assert made["spec"]["activeDeadlineSeconds"] == 50


class TestFinalizer:
    def test_is_one_pod_that_may_be_tried_again(self) -> None:
        spec = finalizer()["spec"]
        assert "completions" not in spec
        assert (spec["backoffLimit"], spec["podReplacementPolicy"]) == (6, "Failed")
        assert finalizer()["metadata"]["name"] == FINALIZER
        assert finalizer()["metadata"]["labels"]["batchprocess.dev/role"] == "finalizer"

    def test_ends_after_a_day_or_when_the_job_says(self) -> None:
        assert finalizer()["spec"]["activeDeadlineSeconds"] == 86_400
        made = finalizer(finalizer={"activeDeadlineSeconds": 60})
        assert made["spec"]["activeDeadlineSeconds"] == 60
