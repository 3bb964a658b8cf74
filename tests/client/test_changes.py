"""What is done to a job means the same if it is done twice."""

import pytest

from batchprocess.client import changes
from batchprocess.client.errors import Changed, NotFound, Rejected, Unavailable, WaitedTooLong
from support.client.fake_server import ended, fake_cluster, snapshot, stored

FAILED = ended("Failed", "ShardsFailed")


def test_a_retry_whose_answer_was_lost_is_not_another_one() -> None:
    connection, transport = fake_cluster(
        Unavailable("lost"), Changed("newer"), stored(FAILED, version=2, retry=1)
    )
    assert changes.raise_retry(connection, snapshot(FAILED)).asked_retry == 1
    assert transport.asked[0][3] == transport.asked[1][3]
    assert transport.asked[0][3]["spec"] == {"retry": 1}


def test_a_status_that_is_written_at_the_same_moment_is_no_retry() -> None:
    connection, transport = fake_cluster(
        Changed("newer"), stored(FAILED, version=2), stored(FAILED, version=3, retry=1)
    )
    assert changes.raise_retry(connection, snapshot(FAILED)).asked_retry == 1
    assert transport.asked[-1][3]["metadata"] == {"uid": "u-1", "resourceVersion": "2"}


def test_a_job_that_never_holds_still_is_given_up() -> None:
    connection, _ = fake_cluster(*[Changed("newer"), stored(FAILED)] * 5)
    with pytest.raises(Changed, match="digits changes all the time"):
        changes.raise_retry(connection, snapshot(FAILED))


def test_a_job_that_has_ended_is_not_suspended() -> None:
    connection, _ = fake_cluster()
    with pytest.raises(Rejected, match="digits has ended as Failed: nothing is left to suspend"):
        changes.set_suspend(connection, snapshot(FAILED), suspend=True)


def test_what_is_gone_already_is_deleted() -> None:
    for error in (NotFound("gone"), Changed("another")):
        connection, _ = fake_cluster(error)
        changes.delete(connection, snapshot())


def test_a_cancelled_job_is_waited_for_until_its_pods_are_gone() -> None:
    pods = {"items": [{}], "metadata": {}}
    connection, transport = fake_cluster(b"{}", pods, pods, {"items": [], "metadata": {}})
    changes.cancel(connection, snapshot(), 600)
    assert transport.asked[-1][2]["labelSelector"] == "batchprocess.dev/job-uid=u-1"
    connection, _ = fake_cluster(b"{}", *[pods] * 100)
    with pytest.raises(WaitedTooLong, match="after 30 s some of its pods are still there"):
        changes.cancel(connection, snapshot(), 30)
