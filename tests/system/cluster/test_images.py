"""The operator's image: what Dockerfile.operator makes, as the e2e cluster runs it."""

import json
import os
from typing import Any

import pytest

import testcluster
from testcluster import Cluster
from testcluster.containers import debian
from testcluster.containers.buildah import Build
from testcluster.machine.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(os.geteuid() != 0, reason="building images and running a node need root"),
]

CHECK = """
import importlib.util, os, kopf, batchprocess_operator, batchprocess.api
print(os.getuid(), importlib.util.find_spec("torch"))
"""


def test_the_operator_image_runs_under_restricted_pod_security_and_has_no_torch(
    cluster: Cluster, operator_image: str
) -> None:
    cluster.kubectl("create", "namespace", "restricted")
    level = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", "namespace", "restricted", level)
    cluster.kubectl.apply(json.dumps(_restricted_pod(operator_image)))

    until("the pod ended", lambda: _phase(cluster) in ("Succeeded", "Failed"))

    assert cluster.kubectl("logs", "check", "--namespace=restricted").split() == ["65532", "None"]


def test_a_failing_build_is_told_with_its_output() -> None:
    build = Build("Dockerfile.operator", "localhost/batchprocess/none:test", {"BASE": "none"}, ())

    with pytest.raises(testcluster.ClusterError, match="none"):
        build.archive(debian.load_base)


def _phase(cluster: Cluster) -> str:
    return str(cluster.kubectl.get("pod", "check", "restricted")["status"]["phase"])


def _restricted_pod(image: str) -> dict[str, Any]:
    container = {
        "name": "check",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python3", "-c", CHECK],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "check", "namespace": "restricted"},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }
