"""What failed pods have said at last."""

from batchprocess.client import ClusterJob
from batchprocess.protocol.termination import Termination
from support.client.fake_pods import FakePods, pod


def test_only_failures_that_no_later_attempt_has_made_good_are_told() -> None:
    said = Termination(code=90, message="shard 1: boom").encode().decode()
    pods = FakePods(
        pod("a", 0, code=90, created=1),
        pod("a2", 0, code=0, created=2),
        pod("b", 1, code=90, created=1),
        pod("b2", 1, code=90, created=2, message=said),
        pod("c", 2),
    )
    pods.job["spec"]["shards"] = 3
    pods.write("b2", *((second, f"line {second}") for second in range(50)))
    job = ClusterJob(pods.job, pods.connection())
    (words,) = job.last_words()
    assert (words.pod.label, words.pod.code) == ("shard 1, attempt 2", 90)
    assert words.pod.message == "shard 1: boom"
    assert [line.text for line in words.lines] == [f"line {number}" for number in range(30, 50)]
    assert [len(one.lines) for one in job.last_words(shards=[1], tail=3)] == [3]
    assert list(job.last_words(shards=[0])) == []
