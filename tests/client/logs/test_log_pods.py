"""Which shard and which attempt a pod is."""

from batchprocess.client.logs.log_pods import log_pods, pod_has_ended
from batchprocess.protocol.termination import Termination
from support.client.fake_pods import pod
from support.client.fake_server import snapshot

JOB = snapshot(shards=10)


def labels(*pods: dict[str, object], **spec: object) -> list[str]:
    return [one.label for one in log_pods(pods, snapshot(**{"shards": 10, **spec}))]


def test_attempts_of_a_shard_are_counted_as_they_were_made_and_the_finalizer_is_last() -> None:
    shown = labels(
        pod("fin", None, created=9),
        pod("b", 1, created=2),
        pod("b2", 1, created=5),
        pod("a", 0, created=3),
    )
    assert shown == ["shard 0", "shard 1", "shard 1, attempt 2", "finalizer"]


def test_attempts_whose_pods_are_gone_count_as_far_as_kubernetes_has_counted_them() -> None:
    assert labels(pod("a", 0, failures="2"), pod("a2", 0, created=1, failures="2")) == [
        "shard 0, attempt 3",
        "shard 0, attempt 4",
    ]
    assert labels(pod("a", 0, failures="-9"), pod("b", 1, failures="x")) == ["shard 0", "shard 1"]


def test_a_retry_works_on_the_shards_that_it_names_and_a_pod_may_have_several() -> None:
    assert labels(pod("a", 1, shards="2,5-7")) == ["shard 5"]
    assert labels(pod("a", 1), worker={"processesPerWorker": 4}) == ["shards 4-7"]
    assert labels(pod("a", 2), worker={"processesPerWorker": 4}) == ["shards 8-9"]


def test_the_last_words_are_the_sentence_of_our_agent_or_else_the_reason() -> None:
    said = Termination(code=90, message="boom\x1b[2J").encode().decode()
    killed = Termination().encode().decode()
    pods = log_pods(
        [
            pod("a", 0, code=90, message=said),
            pod("b", 1, code=137, message=killed),
            pod("c", 2, code=1, message="Traceback ..."),
        ],
        JOB,
    )
    assert [(one.code, one.message) for one in pods] == [
        (90, "boom [2J"),
        (137, "Error"),
        (1, "Error"),
    ]
    evicted = pod("d", 3)
    evicted["status"] = {"phase": "Failed", "message": "low on memory", "reason": "Evicted"}
    (one,) = log_pods([evicted], JOB)
    assert (one.ended, one.started, one.message) == (True, False, "low on memory")


def test_a_pod_that_a_sidecar_keeps_has_ended() -> None:
    kept = pod("a", 0, code=0)
    kept["status"]["phase"] = "Running"
    assert pod_has_ended(kept)
    assert not pod_has_ended(pod("b", 0))
    assert not pod_has_ended({"metadata": {}})
