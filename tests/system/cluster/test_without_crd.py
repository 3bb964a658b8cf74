"""The operator where its CRD is missing, as after an installation in the wrong order."""

import os
import subprocess
import sys

import pytest

from testcluster import ControlPlane
from testcluster.tools import ROOT

pytestmark = pytest.mark.slow


def test_an_operator_without_its_crd_ends_with_a_sentence(control_plane: ControlPlane) -> None:
    settings = {
        "KUBECONFIG": str(control_plane.kubeconfig),
        "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT / 'worker'}",
        "BATCHPROCESS_OPERATOR_HEALTH_ADDRESS": "",
        "BATCHPROCESS_OPERATOR_PROGRESS_ADDRESS": "https://127.0.0.1:8443",
        "BATCHPROCESS_OPERATOR_PROGRESS_SECRET": "nobody",
        "BATCHPROCESS_OPERATOR_POD_NAMESPACE": "default",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "batchprocess_operator"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.strip().endswith("is the CRD installed?"), ended.stderr
    assert "Traceback" not in ended.stderr
