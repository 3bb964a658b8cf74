"""What pods have written, on the command line."""

import pytest

from batchprocess.client import jobs
from batchprocess.client.logs import follow_logs
from batchprocess.protocol.termination import Termination
from support.client.fake_pods import FakePods, pod
from support.commands import Command

SAID = Termination(code=90, message="shard 1: boom\x1b[2J").encode().decode()


@pytest.fixture
def pods(monkeypatch: pytest.MonkeyPatch) -> FakePods:
    made = FakePods(pod("a", 0, code=0), pod("b", 1, code=90, message=SAID))
    made.job["spec"]["shards"] = 2
    made.write("a", (1, "one"), (3, "three"))
    made.write("b", (2, "two\x1b[2J"))
    monkeypatch.setattr(jobs, "connect", lambda namespace, context: made.connection())
    monkeypatch.setattr(follow_logs, "LOOK_SECONDS", 0.05)
    return made


def test_lines_of_all_pods_are_one_text(batchprocess: Command, pods: FakePods) -> None:
    said = batchprocess("logs", "digits")
    assert said.out.splitlines() == ["[shard 0] one", "[shard 1] two [2J", "[shard 0] three"]
    said = batchprocess("logs", "digits", "--shard", 0, "--tail", 1, "--timestamps")
    assert said.out == "2030-01-01T00:00:03.000+00:00 [shard 0] three\n"


def test_following_ends_with_the_job(batchprocess: Command, pods: FakePods) -> None:
    pods.end_job()
    pods.job["spec"]["shards"] = 2
    assert len(batchprocess("logs", "digits", "-f").out.splitlines()) == 3


def test_failed_pods_say_their_last_words(batchprocess: Command, pods: FakePods) -> None:
    said = batchprocess("logs", "digits", "--failed")
    assert said.out == "[shard 1] exit code 90: shard 1: boom [2J\n  [shard 1] two [2J\n"


def test_where_none_has_failed_the_jobs_own_end_is_told(
    batchprocess: Command, pods: FakePods
) -> None:
    del pods.pods["b"]
    pods.end_job("Failed")
    said = batchprocess("logs", "digits", "--failed")
    assert said.out == ""
    assert said.err.splitlines()[0].startswith("no pod that is still there has failed")
    assert said.err.splitlines()[1].startswith("digits has failed: ")


def test_what_does_not_go_together_is_refused(batchprocess: Command, pods: FakePods) -> None:
    assert batchprocess("logs", "digits", "--failed", "-f").code == 91
    assert batchprocess("logs", "digits", "--tail", 5, "-f").code == 91
