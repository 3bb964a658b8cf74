"""A real API server that knows the CRD."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import testcluster
from support.kube.clusters import control_plane
from support.kube.job_server import JobServer
from testcluster.machine.waiting import until

__all__ = ["control_plane"]

CRD = Path(__file__).parents[3] / "crds" / "batchprocess.dev_batchprocessjobs.yaml"


@pytest.fixture(scope="session")
def kubectl(control_plane: testcluster.ControlPlane) -> testcluster.Kubectl:
    """kubectl on a cluster with the CRD; a warning about it is an error."""
    run = control_plane.kubectl
    run("apply", "--warnings-as-errors", f"--filename={CRD}")
    until("jobs are served", lambda: "bpj" in run("api-resources"))
    return run


@pytest.fixture(scope="module", autouse=True)
def _jobs_go_with_their_file(kubectl: testcluster.Kubectl) -> Iterator[None]:
    """Jobs that are made to harm, too: the next file lists those of its own."""
    yield
    kubectl("delete", "bpj", "--all", "--all-namespaces", seconds=120)


@pytest.fixture(scope="session")
def session_server(kubectl: testcluster.Kubectl) -> JobServer:
    """Jobs on that cluster, for checks that store nothing."""
    return JobServer(kubectl.kubeconfig)


@pytest.fixture
def server(session_server: JobServer) -> Iterator[JobServer]:
    """Jobs on that cluster; the job `digits` is deleted afterwards."""
    yield session_server
    session_server.delete()
