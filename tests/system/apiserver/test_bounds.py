"""Every bound of every field: its edges are accepted, what lies beyond is refused by name."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from batchprocess.api.new_bounds import MAX_ITEMS, MAX_TEXT, MAX_WORD, MAX_WORDS
from batchprocess.api.schema.crd import crd, job_schema
from support.job_cases import env, job, merged, spec, template, worker
from support.kube.job_server import GROUP, JobServer, Refused
from testcluster import ClusterError, Kubectl
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow


def leaves(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in node["properties"].items():
        if "properties" in field:
            yield from leaves(field, f"{path}{name}.")
        else:
            yield f"{path}{name}", field


FIELDS = dict(leaves(job_schema()["properties"]["spec"], ""))
# It is refused whatever it is: see test_rules.py.
for pods in ("worker", "finalizer"):
    del FIELDS[f"{pods}.template.spec.restartPolicy"]


def _edges() -> Iterator[tuple[str, Any, bool]]:
    """Path, value, and whether it is within bounds."""
    for path, field in FIELDS.items():
        step = 1 if field.get("type") == "integer" else 0.5
        if "minimum" in field:
            low = field["minimum"] + (step if field.get("exclusiveMinimum") else 0)
            yield path, low, True
            yield path, low - step, False
        if "maximum" in field:
            yield path, field["maximum"], True
            yield path, field["maximum"] + step, False
        for value in field.get("enum", ()):
            yield path, value, True
        if "enum" in field:
            yield path, "else", False
        if field.get("items", {}).get("type") == "string" and "maxItems" in field:
            yield path, ["x"] * (field["maxItems"] + 1), False
        if field.get("type") == "string" and "maxLength" in field:
            yield path, "x" * (field["maxLength"] + 1), False
        if field.get("type") == "string" and ("pattern" in field or "minLength" in field):
            yield path, "", False


def at(path: str, value: Any) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


COMPANIONS = {
    "worker.gpus": {"worker": {"processesPerWorker": 1}},
    "worker.processesPerWorker": {"worker": {"gpus": 0}},
    "command": {"processor": None, "dataset": None},
    "source.onChange": {"source": {"configMap": "code"}},
    "failurePolicy.maxBadRows": {"failurePolicy": {"onBadRow": "skip"}},
    "notify.everyPercent": {"notify": {"to": "ops"}},
}


def made(path: str, value: Any) -> dict[str, Any]:
    base = merged(spec(), COMPANIONS.get(path, {}))
    wanted = at(path, value)
    return merged(base, wanted) if value is not None else base


@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for path, value, good in _edges() if good]
)
def test_the_edge_is_accepted(path: str, value: Any, session_server: JobServer):
    session_server.create(made(path, value), dry=True)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for path, value, good in _edges() if not good]
)
def test_what_lies_beyond_is_refused(path: str, value: Any, session_server: JobServer):
    with pytest.raises(Refused) as caught:
        session_server.create(made(path, value), dry=True)
    assert f"spec.{path}" in caught.value.fields


@pytest.mark.parametrize("path", [path for path, field in FIELDS.items() if "type" in field])
def test_a_value_of_another_type_is_refused(path: str, session_server: JobServer):
    wrong = 7 if FIELDS[path]["type"] not in ("integer", "number") else "7"
    with pytest.raises(Refused) as caught:
        session_server.create(made(path, wrong), dry=True)
    assert f"spec.{path}" in caught.value.fields


@pytest.mark.parametrize("change", [{"shrads": 4}, {"worker": {"gpu": 1}}])
def test_an_unknown_field_is_refused(change: dict[str, Any], session_server: JobServer):
    with pytest.raises(Refused, match='unknown field "spec.(shrads|worker.gpu)"'):
        session_server.create(spec(**change), dry=True)


def filled(count: int, value: Any) -> dict[str, Any]:
    return {f"key-{number}": value for number in range(count)}


def init_container(**fields: Any) -> dict[str, Any]:
    return template(initContainers=[{"name": "fetch", "image": "tool:1", **fields}])


def metadata(**fields: Any) -> dict[str, Any]:
    return {"worker": {"template": {"metadata": fields}}}


T = "spec.worker.template"
INNER: dict[str, tuple[Any, int]] = {
    "spec.hparams": (lambda count: {"hparams": filled(count, 1)}, 256),
    f"{T}.metadata.labels": (lambda count: metadata(labels=filled(count, "x")), 64),
    f"{T}.metadata.annotations": (lambda count: metadata(annotations=filled(count, "x")), 64),
    f"{T}.metadata.annotations.a": (
        lambda count: metadata(annotations={"a": "x" * count}),
        16_384,
    ),
    f"{T}.spec.volumes": (
        lambda count: template(volumes=[{"name": f"v{one}"} for one in range(count)]),
        32,
    ),
    f"{T}.spec.initContainers": (
        lambda count: template(initContainers=[{"name": f"c{one}"} for one in range(count)]),
        16,
    ),
    f"{T}.spec.initContainers[0].command": (
        lambda count: init_container(command=["x"] * count),
        MAX_WORDS,
    ),
    f"{T}.spec.initContainers[0].args[0]": (
        lambda count: init_container(args=["x" * count]),
        MAX_WORD,
    ),
    f"{T}.spec.containers[0].env": (
        lambda count: worker(env=[{"name": f"V{one}"} for one in range(count)]),
        64,
    ),
    f"{T}.spec.containers[0].env[0].value": (
        lambda count: env(name="A", value="x" * count),
        32_768,
    ),
    f"{T}.spec.containers[0].resources.limits": (
        lambda count: worker(resources={"limits": filled(count, 1)}),
        32,
    ),
    f"{T}.spec.containers[0].ports": (lambda count: worker(ports=[{}] * count), MAX_ITEMS),
    f"{T}.spec.hostname": (lambda count: template(hostname="x" * count), MAX_TEXT),
    f"{T}.spec.tolerations": (lambda count: template(tolerations=[{}] * count), MAX_ITEMS),
    f"{T}.spec.nodeSelector": (lambda count: template(nodeSelector=filled(count, "x")), MAX_ITEMS),
    "spec.finalizer.nodeSelector": (
        lambda count: {"finalizer": {"nodeSelector": filled(count, "x")}},
        32,
    ),
    "spec.finalizer.tolerations": (
        lambda count: {"finalizer": {"tolerations": [{"operator": "Exists"}] * count}},
        32,
    ),
}
"""Of what stands in lists and maps: how a spec with so much is made, and how much it may have."""


@pytest.mark.parametrize("field", INNER)
def test_as_much_as_may_be_is_accepted(field: str, session_server: JobServer):
    made, most = INNER[field]
    session_server.create(spec(**made(most)), dry=True)


@pytest.mark.hostile
@pytest.mark.parametrize("field", INNER)
def test_more_is_refused_by_name(field: str, session_server: JobServer):
    made, most = INNER[field]
    with pytest.raises(Refused) as caught:
        session_server.create(spec(**made(most + 1)), dry=True)
    assert field in caught.value.fields


STATUS_FIELDS = {
    name: field
    for name, field in job_schema()["properties"]["status"]["properties"].items()
    if ("maxLength" in field or "maxProperties" in field) and "pattern" not in field
}


@pytest.mark.hostile
@pytest.mark.parametrize("name", STATUS_FIELDS)
def test_a_status_may_have_so_much_and_no_more(name: str, server: JobServer):
    def value(more: int) -> Any:
        if "maxProperties" in STATUS_FIELDS[name]:
            return filled(STATUS_FIELDS[name]["maxProperties"] + more, 1)
        return "1" * (STATUS_FIELDS[name]["maxLength"] + more)

    server.create(spec())
    server.patch_status({name: value(0)})
    with pytest.raises(Refused) as caught:
        server.patch_status({name: value(1)})
    assert f"status.{name}" in caught.value.fields


OLD_GROUP = "old.example"
BOUNDS = ("maxItems", "maxLength", "maxProperties")


def without_new_bounds(node: Any) -> Any:
    """A schema as it was before new_bounds.py."""
    if isinstance(node, list):
        return [without_new_bounds(one) for one in node]
    if not isinstance(node, dict):
        return node
    new = {MAX_ITEMS, MAX_TEXT, MAX_WORD, MAX_WORDS}
    return {
        key: without_new_bounds(value)
        for key, value in node.items()
        if key not in BOUNDS or value not in new
    }


def of_another_group(made: dict[str, Any]) -> str:
    """So that the CRD of the other tests, and what kubectl remembers of it, stays as it is."""
    for name in ("categories", "shortNames"):
        made["spec"].get("names", {}).pop(name, None)
    return yaml.safe_dump(made).replace(GROUP, OLD_GROUP)


@pytest.mark.hostile
def test_a_job_stored_before_a_bound_is_still_changed_where_it_may_be(kubectl: Kubectl):
    plural = f"batchprocessjobs.{OLD_GROUP}"
    sizes: dict[str, Any] = {"hostname": "x" * (MAX_TEXT + 1)}
    sizes["initContainers"] = [{"name": "fetch", "args": ["x"] * (MAX_WORDS + 1)}]
    long = of_another_group(job(spec(**template(**sizes))))
    dry = ("create", "--dry-run=server", "--filename=-")

    def is_refused() -> bool:
        try:
            kubectl(*dry, stdin=long)
        except ClusterError as error:
            return "Too many" in str(error) and "Too long" in str(error)
        return False

    kubectl.apply(of_another_group(without_new_bounds(crd())))
    try:
        until("the CRD of before is served", lambda: OLD_GROUP in kubectl("api-resources"))
        kubectl("create", "--filename=-", stdin=long)
        kubectl.apply(of_another_group(crd()))
        until("a new job is held to the bounds", is_refused)
        patches = {"spec": '{"spec": {"parallelism": 7, "suspend": true}}'}
        patches["status"] = '{"status": {"state": "Suspended"}}'
        kubectl("patch", plural, "digits", "--type=merge", f"--patch={patches['spec']}")
        kubectl(
            *("patch", plural, "digits", "--type=merge", "--subresource=status"),
            f"--patch={patches['status']}",
        )
        shown = "--output=jsonpath={.spec.parallelism}{.status.state}"
        assert kubectl("get", plural, "digits", shown) == "7Suspended"
    finally:
        kubectl("delete", "crd", f"batchprocessjobs.{OLD_GROUP}", "--ignore-not-found")
