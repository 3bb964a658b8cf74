"""Specs around every rule of a job: one that keeps it, one that breaks only it."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from batchprocess.api.base import RULES
from batchprocess.api.schema.crd import job_schema

API_VERSION, KIND = "batchprocess.dev/v1alpha1", "BatchProcessJob"
SPEC: dict[str, Any] = {
    "image": "example/digits:1",
    "processor": "inference:Processor",
    "dataset": "inference:dataset",
    "output": {"uri": "s3://bucket/out"},
}
SCRIPT = {"processor": None, "dataset": None, "command": ["python", "inference.py"]}


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """`base` with `change` laid over it; None removes."""
    made = copy.deepcopy(base)
    for key, value in change.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = merged(made[key], value)
        else:
            made[key] = copy.deepcopy(value)
    return made


def spec(**change: Any) -> dict[str, Any]:
    """A good spec with changes."""
    return merged(SPEC, change)


def job(made: dict[str, Any], name: str = "digits") -> dict[str, Any]:
    """The object around a spec."""
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": made}


def template(**pod: Any) -> dict[str, Any]:
    """A change that gives the workers' pod spec fields."""
    return {"worker": {"template": {"spec": pod}}}


def worker(**container: Any) -> dict[str, Any]:
    """A change that gives the worker container fields."""
    return template(containers=[{"name": "worker", **container}])


def finalizer(**container: Any) -> dict[str, Any]:
    """A change that gives the finalizer's container fields."""
    return {"finalizer": worker(**container)["worker"]}


def env(**variable: Any) -> dict[str, Any]:
    """A change that gives the worker container a variable."""
    return worker(env=[variable])


def secret(name: str) -> dict[str, Any]:
    """A variable out of a Secret."""
    return env(name=name, valueFrom={"secretKeyRef": {"name": "s3", "key": "k"}})


@dataclass(frozen=True)
class Case:
    """`says` begins the message of the rule; `field` is what the API server blames."""

    says: str
    good: dict[str, Any]
    bad: dict[str, Any]
    field: str
    cluster_only: bool = False

    @property
    def id(self) -> str:
        """For pytest."""
        return f"{self.field}: {self.says[:40]}"


_T = "spec.worker.template"
_W = f"{_T}.spec.containers[0]"
_SIDECAR = {"name": "log", "image": "log:1", "restartPolicy": "Always"}


def toleration(**fields: Any) -> dict[str, Any]:
    """A change that gives the finalizer a toleration."""
    return {"finalizer": {"tolerations": [fields]}}


CASES = (
    Case("spec.image is required", {}, {"image": None}, "spec.image", cluster_only=True),
    Case(
        "spec.output.uri is required",
        {"output": {"uri": "/shared/out"}},
        {"output": {"uri": None}},
        "spec.output.uri",
        cluster_only=True,
    ),
    Case(
        "spec.output.uri must be",
        {"output": {"uri": "file:///shared/out"}},
        {"output": {"uri": "out"}},
        "spec.output.uri",
        cluster_only=True,
    ),
    Case(
        "spec.processor goes together with",
        {"dataset": None, "input": {"uri": "a.txt"}},
        {"dataset": None},
        "spec.processor",
    ),
    Case(
        "spec.input: give either dataset",
        {"dataset": None, "input": {"uri": "a.txt"}},
        {"input": {"uri": "a.txt"}},
        "spec.input",
    ),
    Case("spec.command: give either", SCRIPT, {"command": ["a"]}, "spec.command"),
    Case(
        "spec.failurePolicy.maxBadRows goes with",
        {"failurePolicy": {"onBadRow": "skip", "maxBadRows": "0.5%"}},
        {"failurePolicy": {"maxBadRows": 3}},
        "spec.failurePolicy.maxBadRows",
    ),
    Case(
        "spec.rows.badRowsOf must be",
        {"rows": {"badRowsOf": "s3://bucket/runs/job/20260101T000000Z-0000"}},
        {"rows": {"badRowsOf": "runs/job/20260101T000000Z-0000"}},
        "spec.rows.badRowsOf",
    ),
    Case(
        "spec.notify.events must name one",
        {"notify": {"to": "team", "events": [], "everyPercent": 10}},
        {"notify": {"to": "team", "events": []}},
        "spec.notify.events",
    ),
    Case(
        "spec.notify.events must name each",
        {"notify": {"to": "team", "events": ["Failed", "Stalled"]}},
        {"notify": {"to": "team", "events": ["Failed", "Failed"]}},
        "spec.notify.events",
    ),
    Case("spec.runId must be", {"runId": "..."}, {"runId": ".."}, "spec.runId"),
    Case(
        "spec.worker.template.spec.containers[worker].workingDir",
        {"source": {"configMap": "code"}, **worker(env=[{"name": "A", "value": "b"}])},
        {"source": {"configMap": "code"}, **worker(workingDir="/app")},
        "spec.worker",
    ),
    Case(
        "spec.finalizer.template.spec.containers[worker].workingDir",
        {"source": {"configMap": "code"}, **finalizer(env=[{"name": "A", "value": "b"}])},
        {"source": {"configMap": "code"}, **finalizer(workingDir="/app")},
        "spec.finalizer",
    ),
    Case(
        "spec.finalizer.resources: give",
        {"finalizer": {"resources": {"limits": {"cpu": 1}}} | finalizer(env=[])["finalizer"]},
        {"finalizer": {"resources": {}} | finalizer(resources={})["finalizer"]},
        "spec.finalizer.resources",
    ),
    Case(
        "spec.suspend must be false",
        {"queueName": "gpus", "suspend": False},
        {"queueName": "gpus", "suspend": True},
        "spec.suspend",
    ),
    Case(
        "spec.elastic needs spec.queueName",
        {"queueName": "gpus", "elastic": True},
        {"elastic": True},
        "spec.elastic",
    ),
    Case(
        "spec.worker.gpus: each process",
        {"worker": {"gpus": 8, "processesPerWorker": 4}},
        {"worker": {"gpus": 6, "processesPerWorker": 4}},
        "spec.worker.gpus",
    ),
    Case(
        "spec.finalizer.resources: nvidia",
        {"finalizer": {"gpus": 1, "resources": {"limits": {"cpu": 2}}}},
        {"finalizer": {"resources": {"limits": {"nvidia.com/gpu": 1}}}},
        "spec.finalizer.resources",
    ),
    Case(
        "tolerations: without a key",
        toleration(operator="Exists"),
        toleration(value="gpu"),
        "spec.finalizer.tolerations[0].operator",
    ),
    Case(
        "tolerations: operator Exists",
        toleration(key="pool", operator="Equal", value="gpu"),
        toleration(key="pool", operator="Exists", value="gpu"),
        "spec.finalizer.tolerations[0].value",
    ),
    Case(
        "tolerations: tolerationSeconds",
        toleration(key="pool", effect="NoExecute", tolerationSeconds=3),
        toleration(key="pool", effect="NoSchedule", tolerationSeconds=3),
        "spec.finalizer.tolerations[0].effect",
    ),
    Case(
        "template.metadata.labels: keys",
        {"worker": {"template": {"metadata": {"labels": {"team": "vision"}}}}},
        {"worker": {"template": {"metadata": {"labels": {"batchprocess.dev/job": "x"}}}}},
        f"{_T}.metadata.labels",
    ),
    Case(
        "template.metadata.annotations: keys",
        {"worker": {"template": {"metadata": {"annotations": {"team": "a b"}}}}},
        {"worker": {"template": {"metadata": {"annotations": {"batch.kubernetes.io/x": "1"}}}}},
        f"{_T}.metadata.annotations",
    ),
    Case(
        "template.spec.restartPolicy",
        template(terminationGracePeriodSeconds=120),
        template(restartPolicy="Never"),
        f"{_T}.spec.restartPolicy",
    ),
    Case(
        "template.spec.containers: only the container worker",
        template(containers=[{"name": "worker"}], initContainers=[_SIDECAR]),
        template(containers=[{"name": "log"}]),
        f"{_W}.name",
    ),
    Case(
        "template.spec.containers: a pod with a second",
        worker(),
        template(containers=[{"name": "worker"}, {"name": "worker"}]),
        f"{_T}.spec.containers",
    ),
    Case(
        "template.spec.initContainers: worker",
        template(initContainers=[_SIDECAR]),
        template(initContainers=[{**_SIDECAR, "name": "worker"}]),
        f"{_T}.spec.initContainers[0].name",
    ),
    *(
        Case(
            f"template.spec.containers[worker].{field} is",
            worker(imagePullPolicy="Always"),
            worker(**{field: value}),
            f"{_W}.{field}",
        )
        for field, value in {
            "image": "other:1",
            "command": ["sleep"],
            "args": ["1"],
            "restartPolicy": "Never",
            "terminationMessagePath": "/tmp/message",
            "terminationMessagePolicy": "File",
        }.items()
    ),
    Case(
        "template.spec.containers[worker].resources: nvidia",
        {"worker": {"gpus": 1, **worker(resources={"limits": {"memory": "4Gi"}})["worker"]}},
        worker(resources={"requests": {"nvidia.com/gpu": 1}}),
        f"{_W}.resources",
    ),
    Case(
        "template.spec.volumes: names",
        template(volumes=[{"name": "model", "emptyDir": {}}]),
        template(volumes=[{"name": "batchprocess-model", "emptyDir": {}}]),
        f"{_T}.spec.volumes[0].name",
    ),
    Case(
        "env: names that begin",
        env(name="BATCH_PROCESS", value="x"),
        env(name="BATCHPROCESS_SHARDS", value="x"),
        f"{_W}.env[0].name",
    ),
    Case(
        "env: AWS_ACCESS_KEY_ID",
        secret("AWS_SECRET_ACCESS_KEY"),
        env(name="AWS_SECRET_ACCESS_KEY", value="hunter2"),
        f"{_W}.env[0].name",
    ),
    Case(
        "env: give either value or valueFrom",
        secret("TOKEN"),
        env(name="A", value="x", valueFrom={"fieldRef": {"fieldPath": "metadata.name"}}),
        f"{_W}.env[0].valueFrom",
    ),
    Case(
        "volumeMounts: ",
        worker(volumeMounts=[{"name": "model", "mountPath": "/batchprocessed"}]),
        worker(volumeMounts=[{"name": "model", "mountPath": "/batchprocess/source"}]),
        f"{_W}.volumeMounts[0].mountPath",
    ),
)


def rules() -> Iterator[str]:
    """The message of every rule in the CRD that speaks of an object as it stands."""
    todo: list[Any] = [job_schema()]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield from (
                rule["message"] for rule in node.get(RULES, ()) if "oldSelf" not in rule["rule"]
            )
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
