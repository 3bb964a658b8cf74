"""Jobs in a queue of Kueue, on a control plane whose pods kwok plays."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import yaml

from benchmarks.operator_bench import objects
from benchmarks.operator_bench.stages import Play
from benchmarks.operator_bench.world import World, world
from support.kube.kueue import API_SERVER_FLAG, start_kueue
from support.pages import read_page, section
from testcluster.machine.waiting import until

WORKLOADS = "workloads.kueue.x-k8s.io"
URGENT = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: urgent}
value: 1000
"""


@contextlib.contextmanager
def queue(shards: int, worker_seconds: float, *gates: str) -> Iterator[World]:
    """The queue of docs/kubernetes.md, of 10 processors, with the operator; see `start_kueue`."""
    play = Play(shards, worker_seconds, finalizer_seconds=1)
    with world(play, API_SERVER_FLAG) as made:
        start_kueue(made.plane, *gates)
        (shown,) = [
            block
            for block in section(read_page("kubernetes.md"), "Kueue").split("```")
            if "kind: ClusterQueue" in block
        ]
        made.plane.kubectl.apply(f"{shown.removeprefix('yaml')}\n---{URGENT}")
        made.operator()
        yield made


def submit(here: World, name: str, spec: dict[str, Any], cpu: str = "4", **pod: Any) -> None:
    """A job in the queue, whose workers ask for so many processors each; its finalizer for 1."""
    body = objects.job(name, spec["shards"], spec["parallelism"])
    resources = {"requests": {"cpu": cpu, "memory": "1Gi"}}
    containers = [{"name": "worker", "resources": resources}]
    worker = {"template": {"spec": {"containers": containers} | pod}}
    body["spec"] |= {"queueName": "gpus", "worker": worker} | spec
    here.plane.kubectl.apply(yaml.safe_dump(body))


def state(here: World, name: str) -> str:
    """What its status says."""
    return here.plane.kubectl("get", "bpj", name, "--output=jsonpath={.status.state}")


def becomes(here: World, name: str, wanted: str) -> None:
    """Wait for a state."""
    until(f"{name} is {wanted}", lambda: state(here, name) == wanted, seconds=120)


def workloads(here: World, name: str) -> list[dict[str, Any]]:
    """Kueue's objects of the worker Job."""
    listed = json.loads(here.plane.kubectl("get", WORKLOADS, "--output=json"))
    return [
        one
        for one in listed["items"]
        if one["metadata"]["ownerReferences"][0]["name"].startswith(f"{name}-")
        and not one["metadata"]["ownerReferences"][0]["name"].endswith("-fin")
    ]


def scale(here: World, name: str, replicas: int) -> None:
    """As a person does."""
    here.plane.kubectl("scale", "bpj", name, f"--replicas={replicas}")


def running(here: World, name: str) -> set[str]:
    """UIDs of workers that run and that nobody has asked to stop."""
    selector = f"batchprocess.dev/job={name},batchprocess.dev/role=worker"
    return {
        pod["metadata"]["uid"]
        for pod in here.plane.kubectl.objects("pods", selector=selector)
        if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    }
