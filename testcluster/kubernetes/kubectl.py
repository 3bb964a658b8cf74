"""The real kubectl against one cluster."""

import functools
import json
import subprocess
from pathlib import Path
from typing import Any

from testcluster.errors import ClusterError
from testcluster.kubernetes.reader import Reader, collection
from testcluster.tools import HOME, built


class Kubectl:
    """`kubectl("get", "pods")` runs kubectl with the cluster's kubeconfig.

    What tests wait for, `get`, `objects` and `names` read without a process of their own.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def __call__(self, *arguments: str, stdin: str | None = None, seconds: float = 60.0) -> str:
        """Standard output of kubectl.

        Raises ClusterError with standard error if kubectl fails, subprocess.TimeoutExpired if it
        takes longer.
        """
        done = subprocess.run(
            [built("testcluster"), "kubectl", *self._flags(), *arguments],
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
        path = collection(kind, namespace)
        if path is not None and self._reader is not None:
            return self._reader.one(path, name)
        answer = self("get", kind, name, "--namespace", namespace, "--output=json")
        found: dict[str, Any] = json.loads(answer)
        return found

    def objects(
        self, kinds: str, namespace: str = "default", selector: str = ""
    ) -> list[dict[str, Any]]:
        """The objects of kinds ("jobs,pods") in a namespace, as the API gives them."""
        paths = [collection(kind, namespace) for kind in kinds.split(",")]
        if self._reader is not None and None not in paths:
            return [one for path in paths if path for one in self._reader.all(path, selector)]
        where = ("--namespace", namespace, f"--selector={selector}", "--output=json")
        items: list[dict[str, Any]] = json.loads(self("get", kinds, *where))["items"]
        return items

    def names(self, kinds: str, namespace: str = "default", selector: str = "") -> list[str]:
        """Their names, sorted."""
        found = self.objects(kinds, namespace, selector)
        return sorted(one["metadata"]["name"] for one in found)

    def apply(self, manifest: str) -> str:
        """`kubectl apply` of one or more objects in YAML or JSON."""
        return self("apply", "--filename=-", stdin=manifest)

    @functools.cached_property
    def _reader(self) -> Reader | None:
        return Reader.of(self.kubeconfig)

    def _flags(self) -> tuple[str, str]:
        return f"--kubeconfig={self.kubeconfig}", f"--cache-dir={HOME / 'kubectl'}"
