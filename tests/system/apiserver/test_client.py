"""What programs do with jobs through the client, on a real API server."""

import threading
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes.config import incluster_config

from batchprocess.api.job import BatchProcessJob
from batchprocess.client import (
    AlreadyExists,
    Changed,
    Denied,
    JobFailed,
    Jobs,
    NotConfigured,
    NotFound,
    Rejected,
    WaitedTooLong,
)
from batchprocess.client.server import login
from batchprocess.client.server.connection import connect
from batchprocess.protocol.errors import InvalidArgument
from support.job_cases import job, spec
from support.kube.job_server import JobServer
from testcluster import Kubectl

pytestmark = pytest.mark.slow
TIME = "2030-01-01T12:00:00Z"


def ended(state: str, reason: str = "Finished", message: str = "", **more: Any) -> dict[str, Any]:
    facts = {"lastTransitionTime": TIME, "reason": reason, "message": message}
    conditions = [{"type": state, "status": "True", **facts}]
    return {"state": state, "completionTime": TIME, "conditions": conditions, **more}


@pytest.fixture
def jobs(kubectl: Kubectl, server: JobServer) -> Jobs:
    return Jobs(connection=connect(kubeconfig=str(kubectl.kubeconfig)))


@pytest.fixture
def later() -> Iterator[Any]:
    """Does something from another thread, once the test has had time to wait for it."""
    timers: list[threading.Timer] = []

    def do(what: Any, *arguments: Any, after: float = 0.5) -> None:
        timers.append(threading.Timer(after, what, arguments))
        timers[-1].start()

    yield do
    for timer in timers:
        timer.join()


def test_a_job_is_submitted_and_waited_for(jobs: Jobs, server: JobServer, later: Any) -> None:
    made = BatchProcessJob.model_validate(job(spec(shards=64, hparams={"k": [1, None]})))
    submitted = jobs.submit(made)
    assert submitted.spec.model_dump(exclude={"seed"}) == made.spec.model_dump(exclude={"seed"})
    assert jobs.namespace == submitted.namespace == "default"
    later(server.patch_status, {"state": "Running", "outputURI": "s3://bucket/out/run"})
    later(server.patch_status, ended("Complete"), after=1)
    done = submitted.wait(60)
    assert (done.ended, done.succeeded) == (True, True)
    assert done.status.output_uri == "s3://bucket/out/run"
    assert [one.name for one in jobs.list()] == ["digits"]


def test_a_failed_job_raises_with_its_exit_code_and_its_sentence(
    jobs: Jobs, server: JobServer, later: Any
) -> None:
    submitted = jobs.submit(job(spec()))
    later(server.patch_status, ended("Failed", "CannotWork", "no such\x1b[2J module"))
    with pytest.raises(JobFailed, match="CannotWork: no such .2J module") as error:
        submitted.wait(60)
    assert error.value.code == 91


def test_states_are_told_as_they_come_and_end_with_the_job(
    jobs: Jobs, server: JobServer, later: Any
) -> None:
    submitted = jobs.submit(job(spec()))
    later(server.patch_status, {"state": "Running"})
    later(server.patch_status, ended("CompleteWithFailures"), after=1)
    states = [status.state for status in submitted.watch(60)]
    assert states == [None, "Running", "CompleteWithFailures"]


def test_waiting_ends_in_time_and_when_the_job_is_deleted(
    jobs: Jobs, server: JobServer, later: Any
) -> None:
    submitted = jobs.submit(job(spec()))
    with pytest.raises(WaitedTooLong, match="digits has not ended within 1 s; it goes on"):
        submitted.wait(1)
    later(server.delete)
    with pytest.raises(NotFound, match="digits"):
        submitted.wait(60)


def test_the_same_request_finds_its_job_and_another_is_refused(
    jobs: Jobs, server: JobServer
) -> None:
    first = jobs.submit(job(spec()), request_id="pipeline 7, task 3")
    assert jobs.submit(job(spec()), request_id="pipeline 7, task 3").uid == first.uid
    with pytest.raises(AlreadyExists, match="default has a job digits already: give this one"):
        jobs.submit(job(spec()))


def test_what_the_api_server_refuses_is_told_by_field(jobs: Jobs, server: JobServer) -> None:
    with pytest.raises(Rejected, match=r"spec\.image is required on a cluster"):
        jobs.submit(job(spec(image=None)))
    with pytest.raises(InvalidArgument, match=r"spec\.shards: "):
        jobs.submit(job(spec(shards=0)))


def test_a_job_is_suspended_and_resumed(jobs: Jobs, server: JobServer) -> None:
    jobs.submit(job(spec()))
    assert jobs.suspend("digits").spec.suspend is True
    assert jobs.suspend("digits").spec.suspend is True
    assert jobs.resume("digits").spec.suspend is False


def test_only_a_failed_job_is_retried_and_once_for_each_call(jobs: Jobs, server: JobServer) -> None:
    jobs.submit(job(spec()))
    with pytest.raises(Rejected, match="digits is Pending: only a job that has failed"):
        jobs.retry("digits")
    server.patch_status(ended("Failed", "ShardsFailed"))
    assert jobs.retry("digits").spec.retry == 1
    with pytest.raises(Rejected, match="digits is Failed and is tried again already"):
        jobs.retry("digits")
    assert jobs.get("digits").ended is False


def test_a_job_that_is_cancelled_is_gone_and_one_that_has_ended_is_not_cancelled(
    jobs: Jobs, server: JobServer
) -> None:
    submitted = jobs.submit(job(spec()))
    assert submitted.cancel(60).uid == submitted.uid
    with pytest.raises(NotFound, match='"digits" not found'):
        jobs.get("digits")
    submitted.delete()
    another = jobs.submit(job(spec()))
    with pytest.raises(Changed, match="another job has its name"):
        submitted.suspend()
    submitted.delete()
    server.patch_status(ended("Complete"))
    with pytest.raises(Rejected, match="has ended as Complete: it can only be deleted"):
        another.cancel()
    jobs.delete("digits")


def test_who_may_not_is_told_so(kubectl: Kubectl, server: JobServer, tmp_path: Path) -> None:
    token = kubectl("create", "token", "default").strip()
    config = kubectl("config", "view", "--raw", "--minify", "--flatten")
    parsed = yaml.safe_load(config)
    parsed["users"][0]["user"] = {"token": token}
    (tmp_path / "config").write_text(yaml.safe_dump(parsed))
    stranger = Jobs(connection=connect(kubeconfig=str(tmp_path / "config")))
    with pytest.raises(Denied, match="cannot get resource"):
        stranger.get("digits")
    parsed["users"][0]["user"] = {"token": "no"}
    (tmp_path / "config").write_text(yaml.safe_dump(parsed))
    with pytest.raises(Denied, match="does not know who you are"):
        Jobs(connection=connect(kubeconfig=str(tmp_path / "config"))).get("digits")


def test_in_a_pod_it_is_the_pods_own_cluster_account_and_namespace(
    kubectl: Kubectl, server: JobServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten"))
    cluster = config["clusters"][0]["cluster"]
    address = urlsplit(cluster["server"])
    (tmp_path / "ca.crt").write_bytes(b64decode(cluster["certificate-authority-data"]))
    (tmp_path / "token").write_text(kubectl("create", "token", "default").strip())
    (tmp_path / "namespace").write_text("default\n")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(address.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(address.port))
    for name, file in (("TOKEN", "token"), ("CERT", "ca.crt")):
        monkeypatch.setattr(incluster_config, f"SERVICE_{name}_FILENAME", str(tmp_path / file))
    monkeypatch.setattr(login, "_POD_NAMESPACE", tmp_path / "namespace")
    jobs = Jobs()
    assert jobs.namespace == "default"
    with pytest.raises(Denied, match='User "system:serviceaccount:default:default" cannot get'):
        jobs.get("digits")


def test_a_context_that_is_not_there_is_named(kubectl: Kubectl) -> None:
    with pytest.raises(NotConfigured, match="nowhere"):
        connect(context="nowhere", kubeconfig=str(kubectl.kubeconfig))
