"""The operator in a test cluster, as its users install it, to be killed and to be away."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import testcluster
from testcluster.kubernetes.node import Node
from testcluster.operator import DEPLOYMENT, NAMESPACE, SERVICE, install_operator


@dataclass(frozen=True)
class InstalledOperator:
    """One pod of one Deployment; `node` is where its processes can be killed."""

    kubectl: testcluster.Kubectl
    node: Node | None = None

    @classmethod
    def install(cls, cluster: testcluster.Cluster) -> "InstalledOperator":
        """By the chart; it is ready afterwards."""
        install_operator(cluster)
        return cls(cluster.kubectl, cluster.node)

    def kill(self) -> None:
        """SIGKILL, as the kernel would. The kubelet starts it again."""
        assert self.node is not None, "only a node of our own lets us kill its processes"
        for uid in self._pods():
            for process in self.node.processes(uid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Gone while the block runs, and there again whatever becomes of it.

        It works on for up to 10 s when it is asked to go.
        """
        try:
            self._kubectl("scale", DEPLOYMENT, "--replicas=0")
            self._kubectl("wait", "pods", "--all", "--for=delete", "--timeout=60s")
            yield
        finally:
            self.start()

    def start(self) -> None:
        """There again, and ready."""
        self._kubectl("scale", DEPLOYMENT, "--replicas=1")
        self._kubectl("rollout", "status", DEPLOYMENT, "--timeout=120s")

    @contextlib.contextmanager
    def unreachable(self) -> Iterator[None]:
        """Alive, but nobody's reports arrive: its Service leads nowhere while the block runs."""
        self._select({"nobody": "here"})
        try:
            yield
        finally:
            self._select({"nobody": None})

    def log(self) -> str:
        """What it has said since it last started."""
        return self._kubectl("logs", DEPLOYMENT)

    def _select(self, more: dict[str, str | None]) -> None:
        patch = json.dumps({"spec": {"selector": more}})
        self._kubectl("patch", "service", SERVICE, "--type=merge", f"--patch={patch}")

    def _pods(self) -> list[str]:
        path = "-o=jsonpath={.items[*].metadata.uid}"
        return self._kubectl("get", "pods", path).split()

    def _kubectl(self, *arguments: str) -> str:
        return self.kubectl(*arguments, f"--namespace={NAMESPACE}", seconds=150)
