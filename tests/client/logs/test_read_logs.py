"""Logs of pods that are there, merged by time."""

import pytest

from batchprocess.client import ClusterJob
from batchprocess.client.logs import read_logs
from batchprocess.protocol.errors import InvalidArgument
from support.client.fake_pods import FakePods, pod


def shown(pods: FakePods, **options: object) -> list[str]:
    job = ClusterJob(pods.job, pods.connection())
    return [str(line) for line in job.logs(**options)]


@pytest.fixture
def pods() -> FakePods:
    made = FakePods(pod("a", 0, code=90), pod("a2", 0, created=5), pod("fin", None, created=9))
    made.write("a", (1, "begun"), (2, "raised"))
    made.write("a2", (1.5, "early"), (3, "done"))
    made.write("fin", (4, "sealed"))
    return made


MERGED = [
    "[shard 0] begun",
    "[shard 0, attempt 2] early",
    "[shard 0] raised",
    "[shard 0, attempt 2] done",
    "[finalizer] sealed",
]


def test_shards_attempts_and_the_finalizer_are_one_text_in_order_of_time(pods: FakePods) -> None:
    assert shown(pods) == MERGED


def test_more_pods_than_are_read_at_once_are_read_one_after_the_other(
    pods: FakePods, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_logs, "MAX_STREAMS", 1)
    assert sorted(shown(pods)) == sorted(MERGED)


def test_some_shards_and_some_lines_are_chosen(pods: FakePods) -> None:
    assert shown(pods, shards=[0], tail=1) == ["[shard 0] raised", "[shard 0, attempt 2] done"]
    assert shown(pods, shards=[7]) == []
    with pytest.raises(InvalidArgument, match="tail is 0, and must be 1 to 100000 lines"):
        shown(pods, tail=0)
    with pytest.raises(InvalidArgument, match="not given together"):
        shown(pods, tail=1, follow=True)


def test_a_pod_that_is_gone_or_has_not_begun_has_no_lines(pods: FakePods) -> None:
    pods.pods["a2"]["status"]["containerStatuses"][1]["state"] = {"waiting": {}}
    job = ClusterJob(pods.job, pods.connection())
    wanted = read_logs.read_pods(job.connection, job)
    del pods.pods["fin"]
    lines = [str(one) for one in read_logs.read_logs(job.connection, job, wanted)]
    assert lines == ["[shard 0] begun", "[shard 0] raised"]
