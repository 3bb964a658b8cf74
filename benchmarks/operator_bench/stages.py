"""How kwok plays our pods: they run, and end well after a while with a termination message."""

import json
from dataclasses import dataclass
from typing import Any

import yaml

from batchprocess.kube.names import LABEL_INDEX, LABEL_ROLE
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.termination import Result, ShardEnd, Termination

BATCHES, BATCH_SIZE = 10, 64
"""Of every shard."""
_INDEX = 987_654_321
"""Stands in the message where the template puts the pod's completion index."""
_ALIVE = {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}
_ROOM = {"cpu": "4k", "memory": "16Ti", "ephemeral-storage": "100Ti", "pods": "100k"}


@dataclass(frozen=True)
class Play:
    """Jobs of `shards` shards; a worker takes so many seconds, a finalizer so many."""

    shards: int
    worker_seconds: float = 1.0
    finalizer_seconds: float = 0.1

    def stages(self) -> str:
        """The documents of kwok's configuration."""
        batches = self.shards * BATCHES
        shape = RunShape(rows=batches * BATCH_SIZE, batch_size=BATCH_SIZE, batches=batches)
        end = ShardEnd(shard=_INDEX, cursor=BATCHES, total=BATCHES, sealed=True, seq=3)
        result = Result(rows=shape.rows, batches=batches, attempts=self.shards)
        worker = Termination(code=0, shards=(end,), run=shape)
        finalizer = Termination(code=0, result=result)
        documents = [
            _OPTIONS,
            _node(),
            _stage("pod-runs", "Pending", _RUNNING, 0),
            _ended("worker", worker, self.worker_seconds),
            _ended("finalizer", finalizer, self.finalizer_seconds),
            _deleted(),
        ]
        return yaml.safe_dump_all(documents)


def _ended(role: str, said: Termination, seconds: float) -> dict[str, Any]:
    index = f'{{{{ index $.metadata.labels "{LABEL_INDEX}" }}}}'
    # The message as a YAML string; what stands in for the index is digits, so needs no quoting.
    message = json.dumps(said.encode().decode()).replace(str(_INDEX), index)
    stage = _stage(f"{role}-ends", "Running", _ENDED.replace("MESSAGE", message), seconds)
    stage["spec"]["selector"]["matchLabels"] = {LABEL_ROLE: role}
    return stage


def _stage(name: str, phase: str, status: str, seconds: float) -> dict[str, Any]:
    in_phase = {"key": ".status.phase", "operator": "In", "values": [phase]}
    return _document(
        name,
        {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {"matchExpressions": [_ALIVE, in_phase]},
            "delay": {"durationMilliseconds": int(1_000 * seconds)},
            "next": {"statusTemplate": status},
        },
    )


def _deleted() -> dict[str, Any]:
    going = {"key": ".metadata.deletionTimestamp", "operator": "Exists"}
    return _document(
        "pod-goes",
        {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {"matchExpressions": [going]},
            "next": {"delete": True},
        },
    )


def _node() -> dict[str, Any]:
    not_ready = {
        "key": '.status.conditions.[] | select( .type == "Ready" ) | .status',
        "operator": "NotIn",
        "values": ["True"],
    }
    return _document(
        "node-is-ready",
        {
            "resourceRef": {"apiGroup": "v1", "kind": "Node"},
            "selector": {"matchExpressions": [not_ready]},
            "next": {"statusTemplate": _NODE},
        },
    )


def _document(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    head = {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage"}
    return {**head, "metadata": {"name": name}, "spec": spec}


_OPTIONS = {
    "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
    "kind": "KwokConfiguration",
    "metadata": {"name": "kwok"},
    # By default 4 pods are played at a time: that would be what we measure.
    "options": {
        "podPlayStageParallelism": 32,
        "podsOnNodeSyncParallelism": 1,
        "nodePlayStageParallelism": 4,
        "nodeLeaseParallelism": 4,
    },
}
_RUNNING = """
{{ $now := Now }}
conditions:
- {lastTransitionTime: {{ $now | Quote }}, status: "True", type: Ready}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ end }}
phase: Running
startTime: {{ $now | Quote }}
"""
_ENDED = """
{{ $now := Now }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: false
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
      message: MESSAGE
{{ end }}
phase: Succeeded
"""
_NODE = f"""
{{{{ $now := Now }}}}
conditions:
- type: Ready
  status: "True"
  reason: Played
  message: played by kwok
  lastHeartbeatTime: {{{{ $now | Quote }}}}
  lastTransitionTime: {{{{ $now | Quote }}}}
allocatable: {json.dumps(_ROOM)}
capacity: {json.dumps(_ROOM)}
phase: Running
"""
