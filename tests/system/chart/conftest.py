"""The chart, installed by the real helm on a real control plane."""

from collections.abc import Iterator

import pytest

import testcluster
from support.kube.clusters import control_plane
from support.kube.helm import CHART, NAMESPACE, RELEASE, flags, helm
from support.kube.job_server import JobServer
from testcluster.machine.waiting import until

__all__ = ["control_plane"]


@pytest.fixture(scope="session")
def installed(control_plane: testcluster.ControlPlane) -> Iterator[testcluster.ControlPlane]:
    """The release; nothing runs, since there is no node. The namespace is deleted at the end."""
    place = list(flags({}, control_plane.kubeconfig))
    helm("install", RELEASE, str(CHART), "--create-namespace", *place)
    kubectl = control_plane.kubectl
    until("jobs are served", lambda: "bpj" in kubectl("api-resources"))
    yield control_plane
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def server(installed: testcluster.ControlPlane) -> Iterator[JobServer]:
    """Jobs, as the administrator; the job `digits` is deleted afterwards."""
    made = JobServer(installed.kubeconfig)
    yield made
    made.delete()
