"""What may not be changed on an existing job can't be changed, removed or added."""

from typing import Any

import pytest

from batchprocess.api.base import RULES
from batchprocess.api.schema.crd import job_schema
from batchprocess.api.schema.immutability import REMEDY
from support.job_cases import SCRIPT, merged, spec
from support.kube.job_server import JobServer, Refused
from testcluster import Kubectl

pytestmark = pytest.mark.slow

TEMPLATE = "worker.template.spec"
VALUES: dict[str, tuple[Any, Any]] = {
    "image": ("a:1", "a:2"),
    "source": ({"configMap": "a"}, {"configMap": "b"}),
    "command": (["a"], ["b"]),
    "processor": ("a:B", "a:C"),
    "dataset": ("a:b", "a:c"),
    "input": ({"uri": "s3://a/rows.txt"}, {"uri": "s3://b/rows.txt"}),
    "rows.badRowsOf": ("a-run", "b-run"),
    "shards": (2, 3),
    "batchSize": (2, 3),
    "checkpointInterval": (2, 3),
    "checkpointSeconds": (2, 3.5),
    "maxInFlight": (2, 3),
    "seed": (0, 1),
    "runId": ("a", "b"),
    "maxBatches": (2, 3),
    "dataloader": ({"numWorkers": 1}, {"numWorkers": 2}),
    "dataloader.timeout": (2, 3),
    "hparams": ({"a": 1}, {"a": 1, "b": [2]}),
    "hparams.a": (1, 2),
    "worker": ({"gpus": 2}, {"gpus": 3}),
    "worker.processesPerWorker": (2, 3),
    "worker.python": ("a", "b"),
    "worker.template": ({"metadata": {"labels": {"a": "b"}}}, {"spec": {"priority": 1}}),
    f"{TEMPLATE}.containers": (
        [{"name": "worker", "env": [{"name": "A", "value": "1"}]}],
        [{"name": "worker", "env": [{"name": "A", "value": "2"}]}],
    ),
    f"{TEMPLATE}.affinity": ({"nodeAffinity": {}}, {"podAffinity": {}}),
    f"{TEMPLATE}.tolerations": ([{"key": "a"}], [{"key": "b"}]),
    "output": ({"uri": "/a"}, {"uri": "/b"}),
    "output.delta": (False, True),
    "output.s3.endpoint": ("http://a", "http://b"),
    "output.s3.addressing": ("path", "virtual"),
    "output.s3.credentialsSecret": ("a", "b"),
    "storage": ({"deadlineSeconds": 2}, {"deadlineSeconds": 3}),
    "failurePolicy.maxRetriesPerShard": (1, 2),
    "failurePolicy.maxFailedShards": (1, 2),
    "failurePolicy.maxAttemptsWithoutProgress": (1, None),
    "failurePolicy.lostNodeSeconds": (None, 1),
    "failurePolicy.onBatchError": ("fail", "retry"),
    "failurePolicy.onBadRow": ("skip", "fail"),
    "timeouts.startSeconds": (2, 3),
    "timeouts.stallSeconds": (2, 3),
    "queueName": ("a", "b"),
    "elastic": (True, False),
    "profile": (True, False),
    "compileCache": (False, True),
}
INSTEAD = {"command": SCRIPT, "input": {"dataset": None}, "elastic": {"queueName": "a"}}
"""What a spec is made without to have a field that excludes it."""
REQUIRED = {"image", "output"}
"""They are never absent, so they can't be added."""
PARENTS: dict[str, dict[str, Any]] = {
    "hparams.a": {"hparams": {"other": 1}},
    "rows.badRowsOf": {"rows": {"skip": [7]}},
    "dataloader.timeout": {"dataloader": {"numWorkers": 1}},
    TEMPLATE: {"worker": {"template": {"spec": {"priority": 1}}}},
    "processor": SCRIPT,
    "dataset": SCRIPT,
    "elastic": {"queueName": "a"},
}
"""What must be there for a field to be added."""


def ruled(path: str) -> str:
    """The field that the rule about `path` blames."""
    rules = job_schema()["properties"]["spec"][RULES]
    mine = [rule["fieldPath"][1:] for rule in rules if REMEDY in rule["message"]]
    found = [one for one in mine if path == one or path.startswith(f"{one}.")]
    assert len(found) == 1, path
    return found[0]


def test_every_rule_is_tried():
    rules = job_schema()["properties"]["spec"][RULES]
    told = {rule["fieldPath"][1:] for rule in rules if REMEDY in rule["message"]}
    assert told == {ruled(path) for path in VALUES}


def pointer(path: str) -> str:
    return "/spec/" + path.replace(".", "/")


def with_value(path: str, value: Any) -> dict[str, Any]:
    """A spec that has `value` at `path`."""
    base = merged(spec(), INSTEAD.get(path, {}))
    *parents, last = path.split(".")
    node = base
    for name in parents:
        node = node.setdefault(name, {})
    node[last] = value
    return base


def refuse(server: JobServer, path: str, operation: dict[str, Any]) -> None:
    field = ruled(path)
    with pytest.raises(Refused) as caught:
        server.patch([{"path": pointer(path), **operation}], dry=True)
    assert f"spec.{field} {REMEDY}" in caught.value.message
    assert f"spec.{field}" in caught.value.fields


@pytest.mark.parametrize("path", VALUES)
def test_it_cannot_be_changed(path: str, server: JobServer):
    first, other = VALUES[path]
    server.create(with_value(path, first))
    refuse(server, path, {"op": "replace", "value": other})


@pytest.mark.parametrize("path", VALUES)
def test_it_cannot_be_removed(path: str, server: JobServer):
    server.create(with_value(path, VALUES[path][0]))
    refuse(server, path, {"op": "remove"})


def test_a_part_that_was_not_there_cannot_come_with_it(server: JobServer):
    server.create(spec())
    operation = {"op": "add", "path": "/spec/rows", "value": {"badRowsOf": "a-run"}}
    with pytest.raises(Refused, match="spec.rows.badRowsOf cannot be changed"):
        server.patch([operation], dry=True)
    server.patch([operation | {"value": {"skip": [7]}}])
    server.patch([{"op": "remove", "path": "/spec/rows"}])


@pytest.mark.parametrize("path", sorted(VALUES.keys() - REQUIRED))
def test_it_cannot_be_added(path: str, server: JobServer):
    server.create(spec(**(PARENTS.get(path) or PARENTS.get(path.rpartition(".")[0], {}))))
    refuse(server, path, {"op": "add", "value": VALUES[path][0]})


@pytest.mark.parametrize("path", ["output.s3", "dataloader"])
def test_a_null_does_not_hide_a_change(path: str, server: JobServer):
    """CEL takes {a: null} for equal to {b: 1}, seen from the side of the null."""
    before, after = {
        "output.s3": ({"endpoint": "http://a"}, {"region": None, "addressing": "auto"}),
        "dataloader": ({"numWorkers": 1}, {"timeout": None}),
    }[path]
    server.create(with_value(path, before))
    refuse(server, path, {"op": "replace", "value": after})


def test_a_status_may_be_written_at_any_time(server: JobServer):
    server.create(spec(hparams={"a": 1}))
    assert server.patch_status({"state": "Running"})["status"]["state"] == "Running"


def test_a_renamed_free_key_is_not_seen_by_the_crd_alone(server: JobServer):
    """A gap of CEL that the chart's policy closes; if Kubernetes does, simplify."""
    server.create(spec(hparams={"threshold": 0.5}))
    server.patch([{"op": "replace", "path": "/spec/hparams", "value": {"treshold": 0.7}}])


def test_an_object_stored_before_is_not_held_up_by_labels(server: JobServer, kubectl: Kubectl):
    server.create(spec())
    kubectl("label", "bpj", "digits", "team=vision")
    assert server.get()["metadata"]["labels"] == {"team": "vision"}
