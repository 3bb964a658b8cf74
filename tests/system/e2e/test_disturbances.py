"""One long job, disturbed in every way in sequence: the output is as if nothing had happened."""

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batchprocess.kube.index_ranges import parse_ranges
from batchprocess.kube.names import LABEL_INDEX
from support.e2e.checks import assert_exactly_once, claims, watched
from support.e2e.jobs import disturbed
from support.e2e.operator import InstalledOperator
from support.e2e.store import Store
from support.e2e.world import World
from testcluster import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NAME = "stormy"


def test_a_job_that_is_disturbed_in_every_way_ends_as_if_it_had_not_been(
    world: World, cluster: Cluster, operator: InstalledOperator, store: Store, expected
):
    world.apply(disturbed(world, NAME, shards=6, parallelism=3, hparams={"seconds": 6}))
    storm = _Storm(world, cluster, operator, store)
    with watched(world, NAME) as seen:
        storm.evict_every_running_pod()
        storm.delete_a_pod()
        storm.kill_the_operator()
        storm.kill_a_worker_process()
        storm.restart_the_api_server()
        storm.force_delete_a_pod()
        storm.stop_the_store()
        storm.drain_the_node()
        storm.preempt_a_pod()
        storm.start_a_twin()
        status = world.wait(NAME, seconds=420)
    assert status["state"] == "Complete", status
    assert_exactly_once(status["outputURI"], world, expected)
    seen.assert_never_backwards()
    storm.assert_counted()
    begun = [claim.cursor for claim in claims(status["outputURI"], world)]
    assert any(cursor > 0 for cursor in begun), "no attempt went on where another had stopped"


class _Storm:
    """Each disturbance waits until there is something to disturb, and until it is overcome."""

    def __init__(
        self, world: World, cluster: Cluster, operator: InstalledOperator, store: Store
    ) -> None:
        self.world, self.cluster, self.operator, self.store = world, cluster, operator, store
        self.counted = self.perhaps_counted = 0
        self.failures: dict[str, int] = {}

    def evict_every_running_pod(self) -> None:
        for pod in self._wait_for_running():
            meta = pod["metadata"]
            name = {"name": meta["name"], "namespace": meta["namespace"]}
            eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": name}
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction"
            self.world.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
        self._replaced(pod, within=60)

    def delete_a_pod(self) -> None:
        pod = self._wait_for_running()[0]
        self._kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")
        self._replaced(pod, within=60)

    def kill_the_operator(self) -> None:
        self._wait_for_running()
        self.operator.kill()
        pod = self.world.running(NAME)[0]
        self._kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")
        time.sleep(5)
        self.operator.start()

    def kill_a_worker_process(self) -> None:
        pod = self._wait_for_running()[0]
        for process in self.cluster.node.processes(pod["metadata"]["uid"]):
            if b"batchprocess" in _command_line(process):
                os.kill(process, signal.SIGKILL)
        self.counted += 1
        self._replaced(pod, within=60)

    def restart_the_api_server(self) -> None:
        self.cluster.programs.restart("kube-apiserver")

    def force_delete_a_pod(self) -> None:
        pod = self._wait_for_running()[0]
        self._kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
        self.perhaps_counted += 1
        self._replaced(pod, within=60)

    def stop_the_store(self) -> None:
        self._wait_for_running()
        self.store.stop()
        time.sleep(30)
        self.store.start()

    def drain_the_node(self) -> None:
        pod = self._wait_for_running()[0]
        # It deletes the pods of finished indexes, too.
        self._note_failures()
        node = self.cluster.node.name
        selector = f"batchprocess.dev/job={NAME}"
        flags = ("--force", "--delete-emptydir-data", "--pod-selector", selector)
        self.world.kubectl("drain", node, *flags, seconds=120)
        self.world.kubectl("uncordon", node)
        self._replaced(pod, within=60)

    def preempt_a_pod(self) -> None:
        """A pod of higher priority that asks for the whole node.

        Kubernetes waits 10 s before the next pod of an index, and twice as long after each failure
        that counted: the bound is for one that nothing but disruptions has hit.
        """
        # Right after the drain those may be the first to run that have failed before.
        pod = self._wait_for_running(lambda pod: _failures(pod) == 0)[0]
        self.world.apply(*_bully(self.world, self.cluster.node.name))
        uid = pod["metadata"]["uid"]
        self._until("preempted", lambda: uid not in _uids(self.world.running(NAME)))
        self._kubectl("delete", "pod", "bully", "--grace-period=1")
        self._until("stopped", lambda: not self._at_work(uid))
        ended = datetime.now(UTC)
        self._replaced(pod, within=60, by=self.world.running)
        for again in self._again(pod, self.world.running(NAME)):
            (container,) = again["status"]["containerStatuses"]
            started = datetime.fromisoformat(container["state"]["running"]["startedAt"])
            print(f"the preempted shard went on after {(started - ended).total_seconds():.1f} s")
            assert (started - ended).total_seconds() <= 15

    def start_a_twin(self) -> None:
        """A second live pod of one index: claims, and fences the first, whose index goes on."""
        pod = self._wait_for_running()[0]
        spec = dict(pod["spec"]) | {"nodeName": self.cluster.node.name}
        labels = {
            key: value
            for key, value in pod["metadata"]["labels"].items()
            if not key.startswith("batchprocess.dev/")
            and key not in ("controller-uid", "batch.kubernetes.io/controller-uid")
        }
        meta = {"name": "twin", "namespace": self.world.namespace, "labels": labels}
        meta["annotations"] = pod["metadata"]["annotations"]
        self.world.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})

    def assert_counted(self) -> None:
        """SIGKILL and force delete use up a retry; nothing else does (docs/kubernetes.md).

        But who is force deleted still has two seconds, and may end with 85 in them.
        """
        self._note_failures()
        failed = sum(self.failures.values())
        assert self.counted <= failed <= self.counted + self.perhaps_counted, self.failures

    def _note_failures(self) -> None:
        for pod in self.world.pods(NAME):
            index = pod["metadata"]["labels"].get(LABEL_INDEX, "none")
            self.failures[index] = max(self.failures.get(index, 0), _failures(pod))

    def _wait_for_running(self, which: Callable[[dict], bool] = lambda pod: True) -> list:
        deadline = time.monotonic() + 120
        while True:
            pods = [pod for pod in self.world.running(NAME) if which(pod)]
            if pods:
                return pods
            state = self.world.status_or_none(NAME)
            assert time.monotonic() < deadline, f"no such pod of {NAME} is running: {state}"
            time.sleep(0.5)

    def _replaced(
        self, pod: dict, within: float, by: Callable[[str], list[dict]] | None = None
    ) -> None:
        """Another pod of the same index is there, or the index had just been done.

        `by` lists the pods that count: all of the job by default.
        """
        deadline, found = time.monotonic() + within, by or self.world.pods
        while not self._again(pod, found(NAME)) and not self._done(pod):
            assert time.monotonic() < deadline, f"{pod['metadata']['name']} was not replaced"
            time.sleep(0.5)

    @staticmethod
    def _again(pod: dict, pods: list[dict]) -> list[dict]:
        index, uid = pod["metadata"]["labels"][LABEL_INDEX], pod["metadata"]["uid"]
        return [
            other
            for other in pods
            if other["metadata"]["labels"][LABEL_INDEX] == index and other["metadata"]["uid"] != uid
        ]

    def _done(self, pod: dict) -> bool:
        child = pod["metadata"]["ownerReferences"][0]["name"]
        status = self.world.kubectl.get("job", child, self.world.namespace)["status"]
        return int(pod["metadata"]["labels"][LABEL_INDEX]) in parse_ranges(
            status.get("completedIndexes")
        )

    def _at_work(self, uid: str) -> bool:
        """Whether the pod's container runs still, whoever has asked it to stop."""
        return any(
            "running" in container["state"]
            for pod in self.world.pods(NAME)
            if pod["metadata"]["uid"] == uid
            for container in pod["status"].get("containerStatuses", ())
        )

    @staticmethod
    def _until(what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 90
        while not holds():
            assert time.monotonic() < deadline, what
            time.sleep(0.5)

    def _kubectl(self, *arguments: str) -> str:
        return self.world.kubectl(*arguments, "--namespace", self.world.namespace)


def _failures(pod: dict) -> int:
    """Counted failures of the pod's index before it."""
    notes = pod["metadata"]["annotations"]
    return int(notes.get("batch.kubernetes.io/job-index-failure-count", 0))


def _uids(pods: list[dict]) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods}


def _command_line(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _bully(world: World, node: str) -> tuple:
    allocatable = world.kubectl.get("node", node)["status"]["allocatable"]["cpu"]
    priority = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "bully"},
        "value": 1000,
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bully", "namespace": world.namespace},
        "spec": {
            "priorityClassName": "bully",
            "containers": [
                {
                    "name": "pause",
                    "image": "localhost/batchprocess/pause:test",
                    "imagePullPolicy": "Never",
                    "resources": {"requests": {"cpu": allocatable}},
                }
            ],
        },
    }
    return priority, pod
