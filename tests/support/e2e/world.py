"""A cluster with the operator in it, a store, and what tests do there as a user would."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import testcluster
from batchprocess.protocol.environment import S3Settings
from support.storage.s3_server import KEY, SECRET, Server
from testcluster.containers.images import WORKER, HostPython

ROOT = Path(__file__).parents[3]
FINAL = ("Complete", "CompleteWithFailures", "Failed")


@dataclass
class World:
    """`kubectl` acts as an administrator in `namespace`; pods reach the store at `endpoint`."""

    kubectl: testcluster.Kubectl
    namespace: str
    store: Server
    image: str = WORKER.name
    host_python: HostPython | None = field(default_factory=HostPython)

    def prepare(self, **sources: Path) -> None:
        """Namespace, credentials and a ConfigMap of code for each keyword: a folder."""
        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        labels = {"pod-security.kubernetes.io/enforce": "privileged"}
        self._apply("v1", "Namespace", self.namespace, {"metadata": {"labels": labels}})
        self._apply("v1", "Secret", "s3-creds", {"stringData": keys})
        for name, folder in sources.items():
            files = [path for path in folder.iterdir() if path.is_file()]
            data = {path.name: base64.b64encode(path.read_bytes()).decode() for path in files}
            self._apply("v1", "ConfigMap", name, {"binaryData": data})

    def job(self, name: str, code: str = "digits", **spec: Any) -> dict[str, Any]:
        """A BatchProcessJob with the code in ConfigMap `code`, small enough for a test machine."""
        s3 = {"endpoint": self.store.endpoint, "region": "us-east-1", "addressing": "path"}
        base: dict[str, Any] = {
            "image": self.image,
            "source": {"configMap": code},
            "batchSize": 32,
            "checkpointInterval": 2,
            "worker": {"template": self.template()},
            "finalizer": {"resources": {"requests": {"cpu": "10m", "memory": "64Mi"}}},
            "output": {
                "uri": f"s3://{self.store.bucket}/e2e",
                "s3": {**s3, "credentialsSecret": "s3-creds"},
            },
        }
        return {
            "apiVersion": "batchprocess.dev/v1alpha1",
            "kind": "BatchProcessJob",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": base | spec,
        }

    def template(self, **pod: Any) -> dict[str, Any]:
        """A pod template that takes the interpreter and torch from the machine."""
        container: dict[str, Any] = {"name": "worker", "imagePullPolicy": "Never"}
        container["resources"] = {"requests": {"cpu": "300m", "memory": "256Mi"}}
        container["resources"]["requests"]["ephemeral-storage"] = "64Mi"
        spec: dict[str, Any] = {"terminationGracePeriodSeconds": 30}
        if self.host_python is not None:
            container["volumeMounts"] = self.host_python.mounts()
            spec["volumes"] = self.host_python.volumes()
        return {"spec": spec | {"containers": [container]} | pod}

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """kubectl apply."""
        for one in objects:
            self.kubectl.apply(json.dumps(one))

    def get(self, name: str) -> dict[str, Any]:
        """The job as the API server has it."""
        return self.kubectl.get("batchprocessjob", name, namespace=self.namespace)

    def status(self, name: str) -> dict[str, Any]:
        """Its status, empty before the first one."""
        status: dict[str, Any] = self.get(name).get("status", {})
        return status

    def status_or_none(self, name: str) -> dict[str, Any] | None:
        """Its status; None while the job or the API server is away."""
        try:
            return self.status(name)
        except testcluster.ClusterError:
            return None

    def wait(
        self,
        name: str,
        until: Callable[[dict[str, Any]], bool] = lambda status: status.get("state") in FINAL,
        seconds: float = 240,
    ) -> dict[str, Any]:
        """The status once `until` holds of it; what it is instead, if it does not come to that."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.status_or_none(name)
            if status is not None and until(status):
                return status
            assert time.monotonic() < deadline, f"{name}: {json.dumps(status, indent=1)}"
            time.sleep(0.3)

    def pods(self, name: str, role: str = "worker") -> list[dict[str, Any]]:
        """The job's pods that are there."""
        selector = f"batchprocess.dev/job={name},batchprocess.dev/role={role}"
        return self.kubectl.objects("pods", self.namespace, selector)

    def running(self, name: str) -> list[dict[str, Any]]:
        """Those whose container runs and that nobody has asked to stop."""
        return [
            pod
            for pod in self.pods(name)
            if "deletionTimestamp" not in pod["metadata"]
            and any("running" in one["state"] for one in pod["status"].get("containerStatuses", ()))
        ]

    def settings(self) -> S3Settings:
        """For reading a run from the test."""
        return self.store.settings()

    def _apply(self, api: str, kind: str, name: str, more: Mapping[str, Any]) -> None:
        meta = {"name": name, "namespace": self.namespace} | dict(more.get("metadata", {}))
        if kind == "Namespace":
            del meta["namespace"]
        self.apply({"apiVersion": api, "kind": kind, **more, "metadata": meta})
