"""A cluster that was restored from a backup: versions are smaller, what was deleted is back."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client, config

import testcluster
from support.job_cases import SCRIPT, job, spec
from support.operator.process import operator_process
from system.apiserver.conftest import CRD
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow
ETCD = ("kube-apiserver", "etcd")
WRITES = 1_000


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[testcluster.ControlPlane]:
    """One of its own, since it goes back."""
    with testcluster.control_plane(tmp_path / "plane") as plane:
        plane.kubectl("apply", f"--filename={CRD}")
        until("jobs are served", lambda: "bpj" in plane.kubectl("api-resources"))
        yield plane


def exchange(plane: testcluster.ControlPlane, source: str, target: str) -> None:
    """Put the files of etcd in `source` into `target` while nobody writes them."""
    for name in ETCD:
        plane.programs.stop(name)
    shutil.rmtree(plane.folder / target, ignore_errors=True)
    shutil.copytree(plane.folder / source, plane.folder / target)
    for name in reversed(ETCD):
        plane.programs.start(name)


def write_often(plane: testcluster.ControlPlane) -> None:
    api = client.CoreV1Api(config.new_client_from_config(config_file=str(plane.kubeconfig)))
    for number in range(WRITES):
        body = {"metadata": {"labels": {"number": str(number)}}}
        api.patch_namespace("default", body)


def parallelism(plane: testcluster.ControlPlane, name: str) -> list[int]:
    found = plane.kubectl.objects("jobs", selector=f"batchprocess.dev/job={name}")
    return [one["spec"]["parallelism"] for one in found]


def scale(plane: testcluster.ControlPlane, name: str, to: int) -> None:
    plane.kubectl("scale", "bpj", name, f"--replicas={to}")


def test_an_operator_follows_a_cluster_that_goes_back(plane: testcluster.ControlPlane) -> None:
    with operator_process(plane, "restored-operator") as operator:
        for name in ("kept", "deleted"):
            body = job(spec(**SCRIPT, parallelism=2), name)
            plane.kubectl("create", "--filename=-", stdin=json.dumps(body))
            until(f"{name} has its Job", lambda name=name: parallelism(plane, name) == [2])
        exchange(plane, "etcd", "backup")
        scale(plane, "kept", 7)
        until("the change is seen", lambda: parallelism(plane, "kept") == [7])
        plane.kubectl("delete", "bpj", "deleted")
        until("its Job is gone", lambda: parallelism(plane, "deleted") == [])
        write_often(plane)
        exchange(plane, "backup", "etcd")
        for number, name in enumerate(("kept", "deleted")):
            # The operator may act once more on what it knew.
            until(f"{name} is as it was", lambda name=name: parallelism(plane, name) == [2])
            scale(plane, name, 3 + number)
        until("kept is worked on", lambda: parallelism(plane, "kept") == [3])
        until("deleted is worked on", lambda: parallelism(plane, "deleted") == [4])
        assert operator.running
