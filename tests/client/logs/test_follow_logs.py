"""Pods come and go, and all that they write is told until the job has ended."""

from collections.abc import Iterator

import pytest

from batchprocess.client import ClusterJob
from batchprocess.client.errors import Denied
from batchprocess.client.logs import follow_logs
from support.client.fake_pods import FakePods, pod


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_logs, "LOOK_SECONDS", 0.05)


def follow(pods: FakePods, notices: list[str] | None = None) -> Iterator[str]:
    job = ClusterJob(pods.job, pods.connection())
    notice = [].append if notices is None else notices.append
    return map(str, job.logs(follow=True, notice=notice))


def test_lines_are_told_over_attempts_and_the_finalizer_to_the_jobs_end() -> None:
    pods = FakePods(pod("a", 0))
    pods.write("a", (1, "begun"))
    told = follow(pods)
    assert next(told) == "[shard 0] begun"
    pods.write("a", (2, "killed"))
    pods.pods["a"] = pod("a", 0, code=137)
    pods.pods["a2"], pods.logs["a2"] = pod("a2", 0, created=3), []
    pods.write("a2", (4, "begun again"))
    assert sorted(next(told) for _ in range(2)) == [
        "[shard 0, attempt 2] begun again",
        "[shard 0] killed",
    ]
    del pods.pods["a"]
    pods.pods["a2"] = pod("a2", 0, created=3, code=0)
    pods.pods["fin"], pods.logs["fin"] = pod("fin", None, created=5, code=0), []
    pods.write("fin", (6, "sealed"))
    pods.end_job()
    assert list(told) == ["[finalizer] sealed"]


def test_a_pod_that_is_deleted_counts_among_the_attempts() -> None:
    pods = FakePods(pod("a", 0))
    pods.write("a", (1, "begun"))
    told = follow(pods)
    assert next(told) == "[shard 0] begun"
    del pods.pods["a"]
    pods.pods["b"], pods.logs["b"] = pod("b", 0, created=3), []
    pods.write("b", (4, "begun again"))
    assert next(told) == "[shard 0, attempt 2] begun again"


def test_a_job_that_has_ended_is_told_to_its_end_at_once() -> None:
    pods = FakePods(pod("a", 0, code=0))
    pods.write("a", (1, "one"), (2, "two"))
    pods.end_job()
    assert list(follow(pods)) == ["[shard 0] one", "[shard 0] two"]


def test_pods_beyond_those_that_are_followed_wait_and_are_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follow_logs, "MAX_STREAMS", 1)
    pods = FakePods(*(pod(f"p{index}", index, created=index) for index in range(3)))
    pods.job["spec"]["shards"] = 3
    for index in range(3):
        pods.write(f"p{index}", (index, "hello"))
    notices: list[str] = []
    told = follow(pods, notices)
    assert next(told) == "[shard 0] hello"
    for index in range(3):
        pods.pods[f"p{index}"] = pod(f"p{index}", index, created=index, code=0)
    pods.end_job()
    pods.job["spec"]["shards"] = 3
    assert list(told) == ["[shard 1] hello", "[shard 2] hello"]
    assert notices[0].startswith("1 pods are followed at once, and 2 wait")


def test_a_pod_that_never_ends_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_logs, "REST_SECONDS", 0.2)
    pods = FakePods(pod("a", 0))
    pods.end_job("Failed")
    notices: list[str] = []
    assert list(follow(pods, notices)) == []
    assert notices == ["the job has ended, and these pods still write: a"]


def test_what_nobody_may_read_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    pods = FakePods(pod("a", 0))

    def denied(*arguments: object) -> None:
        raise Denied("no")

    monkeypatch.setattr(pods, "stream", denied)
    with pytest.raises(Denied):
        list(follow(pods))
