"""The real kubectl against one cluster."""

import json
import subprocess
from pathlib import Path
from typing import Any

from testcluster.errors import ClusterError
from testcluster.tools import built


class Kubectl:
    """`kubectl("get", "pods")` runs kubectl with the cluster's kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def __call__(self, *arguments: str, stdin: str | None = None, seconds: float = 60.0) -> str:
        """Standard output of kubectl.

        Raises ClusterError with standard error if kubectl fails, subprocess.TimeoutExpired if it
        takes longer.
        """
        done = subprocess.run(
            [built("testcluster"), "kubectl", f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode:
            said = f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
            raise ClusterError(said)
        return done.stdout

    def get(self, kind: str, name: str, namespace: str = "default") -> dict[str, Any]:
        """One object, as the API gives it."""
        answer = self("get", kind, name, "--namespace", namespace, "--output=json")
        found: dict[str, Any] = json.loads(answer)
        return found

    def names(self, kind: str, namespace: str = "default", selector: str = "") -> list[str]:
        """Names of the objects of a kind in a namespace, sorted."""
        found = self(
            "get", kind, "--namespace", namespace, f"--selector={selector}", "--output=name"
        )
        return sorted(line.partition("/")[2] for line in found.splitlines())

    def apply(self, manifest: str) -> str:
        """`kubectl apply` of one or more objects in YAML or JSON."""
        return self("apply", "--filename=-", stdin=manifest)
