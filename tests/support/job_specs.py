"""Specs made by chance: good ones out of the CRD's schema, and the same with something broken."""

import copy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from batchprocess.api.schema.crd import job_schema

SCHEMA = job_schema()["properties"]["spec"]
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0.1, 0.9) | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)
_KEYS = st.sampled_from(["pool", "example.com/team", "a", "nvidia.com/gpu.product"])
_VALUES = st.sampled_from(["", "gpu", "A-1_b.c"])
_LABELS = st.dictionaries(_KEYS, _VALUES, max_size=2)


@dataclass(frozen=True)
class Made:
    """A spec; `whole`: nothing in it was broken, so that its pods would be accepted as well."""

    spec: Any
    whole: bool


def specs() -> st.SearchStrategy[Made]:
    """About half of them whole."""
    return st.one_of(
        whole_specs().map(lambda spec: Made(spec, whole=True)),
        broken_specs().map(lambda spec: Made(spec, whole=False)),
    )


def _with_run_names(made: dict[str, Any]) -> dict[str, Any]:
    """A run is named wherever one stands."""
    if "/" in ((made.get("rows") or {}).get("badRowsOf") or ""):
        return {**made, "rows": {**made["rows"], "badRowsOf": "s3://bucket/job/a-run"}}
    return made


def _with_events(spec: dict[str, Any]) -> dict[str, Any]:
    """With each event of `notify` once, and anything at all."""
    notify = spec.get("notify") or {}
    if notify.get("events") is None:
        return spec
    events = sorted(set(notify["events"]))
    return spec | {"notify": notify | {"events": events, "everyPercent": 10}}


@st.composite
def whole_specs(draw: st.DrawFn) -> dict[str, Any]:
    """A spec that keeps all rules."""
    made: dict[str, Any] = _with_events(_with_run_names(draw(_PLAIN)))
    made["image"] = draw(st.sampled_from(["example/digits:1", "a@sha256:" + "0" * 64]))
    made["output"] = {**(made.get("output") or {}), "uri": draw(_URIS)}
    if draw(st.booleans()):
        made.pop("command", None)
        made |= {"processor": "inference:Processor", "dataset": "inference:dataset"}
        if made.get("input") is not None:
            made.pop("dataset")
    else:
        for name in ("processor", "dataset", "input"):
            made.pop(name, None)
        made["command"] = draw(st.lists(_TEXT, min_size=1, max_size=3))
    if made.get("queueName") is not None:
        made.pop("suspend", None)
    else:
        made.pop("elastic", None)
    if (made.get("failurePolicy") or {}).get("maxBadRows") is not None:
        made["failurePolicy"] = {**made["failurePolicy"], "onBadRow": "skip"}
    if made.get("runId") in (".", ".."):
        made["runId"] = "run"
    if draw(st.booleans()):
        made["hparams"] = draw(st.dictionaries(_TEXT, _JSON, max_size=3))
    if draw(st.booleans()):
        made["worker"] = draw(_workers(sourced=made.get("source") is not None))
    if draw(st.booleans()):
        made["finalizer"] = draw(_FINALIZERS)
    return made


@st.composite
def broken_specs(draw: st.DrawFn) -> Any:
    """A spec with one to three things put somewhere by chance; some of them are harmless."""
    made: Any = copy.deepcopy(draw(whole_specs()))
    for _ in range(draw(st.integers(1, 3))):
        made = _break(draw, made)
    return made


def _break(draw: st.DrawFn, spec: Any) -> Any:
    """Walk down to some place, and replace, remove or add."""
    if not isinstance(spec, dict):
        return spec
    parent, key, node, schema = None, None, spec, SCHEMA
    while isinstance(node, (dict, list)) and node and (parent is None or draw(st.booleans())):
        parent = node
        key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        schema = _below(schema, key)
        node = node[key]
    if parent is None:
        return draw(_JUNK)
    match draw(st.sampled_from(["replace", "remove", "unknown", "known"])):
        case "replace":
            parent[key] = draw(_JUNK)
        case "remove":
            del parent[key]
        case "unknown" if isinstance(node, dict):
            node[draw(st.sampled_from(["shrads", "x", "command", "restartPolicy"]))] = draw(_JUNK)
        case _ if isinstance(node, dict) and "properties" in schema:
            name = draw(st.sampled_from(sorted(schema["properties"])))
            node[name] = draw(_valid(schema["properties"][name]) | _JUNK)
        case _:
            parent[key] = draw(_JUNK)
    return spec


def _below(schema: dict[str, Any], key: Any) -> dict[str, Any]:
    if isinstance(key, int):
        return schema.get("items", {})
    return schema.get("properties", {}).get(key) or schema.get("additionalProperties") or {}


_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 2**31, 2**63, 0.5, -0.5, 1e300]),
    st.sampled_from(["", "x", "1", "true", "A", "..", "batchprocess-x", "worker", "x" * 70_000]),
    st.sampled_from([[], {}, [None], [{}], {"name": "worker"}, {"x": None}, [[]], {"a": {"b": 1}}]),
    _JSON,
).map(copy.deepcopy)  # what is drawn gets broken in turn, and would be drawn broken again


def _valid(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """A value that keeps a schema's own bounds; rules aside."""
    if id(schema) not in _MADE:
        made = _not_null(schema)
        _MADE[id(schema)] = made | st.none() if schema.get("nullable") else made
    return _MADE[id(schema)]


_MADE: dict[int, st.SearchStrategy[Any]] = {}
"""By the identity of a node of SCHEMA: making a strategy takes longer than drawing from it."""


def _not_null(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from([one for one in schema["enum"] if one is not None])
    match schema.get("type"):
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "number":
            return st.floats(0, schema["maximum"], exclude_min=True, allow_subnormal=False)
        case "string" if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True, alphabet=_ASCII).filter(
                lambda text: len(text) <= schema.get("maxLength", 64)
            )
        case "string":
            return st.text(_ASCII, min_size=schema.get("minLength", 0), max_size=12)
        case "array":
            least = schema.get("minItems", 0)
            return st.lists(_valid(schema["items"]), min_size=least, max_size=2)
        case "object" if "properties" in schema:
            return _object(schema)
        case "object" if "additionalProperties" in schema:
            return st.dictionaries(_KEYS, _valid(schema["additionalProperties"]), max_size=2)
    return st.integers(0, 9) if "x-kubernetes-int-or-string" in schema else _JSON


def _object(schema: dict[str, Any], but: frozenset[str] | set[str] = frozenset()) -> Any:
    required = schema.get("required", [])
    fields = {name: one for name, one in schema["properties"].items() if name not in but}
    return st.fixed_dictionaries(
        {name: _valid(fields[name]) for name in required},
        optional={name: _valid(one) for name, one in fields.items() if name not in required},
    )


_ASCII = st.characters(min_codepoint=32, max_codepoint=126)
_PLAIN = _object(SCHEMA, but={"worker", "finalizer", "hparams"})
_URIS = st.sampled_from(["s3://bucket", "s3://bucket/a b/c", "file:///shared/out", "/shared"])
_AMOUNTS = st.dictionaries(
    st.sampled_from(["cpu", "memory", "ephemeral-storage"]),
    st.sampled_from([1, "2", "4Gi", "1.5e3", "3M"]),
    max_size=2,
)
_RESOURCES = st.fixed_dictionaries({}, optional={"limits": _AMOUNTS, "requests": _AMOUNTS}).filter(
    # Requests above limits are another check of Kubernetes' own.
    lambda made: not (made.get("limits") and made.get("requests"))
)
_TOLERATIONS = st.lists(
    st.sampled_from(
        [
            {"operator": "Exists"},
            {"key": "pool", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"},
            {"key": "pool", "value": "gpu"},
            {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0},
        ]
    ),
    max_size=2,
)
_ENV = st.lists(
    st.sampled_from(
        [
            {"name": "A", "value": "1"},
            {"name": "B"},
            {
                "name": "AWS_SECRET_ACCESS_KEY",
                "valueFrom": {"secretKeyRef": {"name": "s3", "key": "secret"}},
            },
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        ]
    ),
    max_size=3,
)
_CONTAINERS = st.fixed_dictionaries(
    {"name": st.just("worker")},
    optional={
        "env": _ENV,
        "resources": _RESOURCES,
        "volumeMounts": st.just([{"name": "model", "mountPath": "/model", "readOnly": True}]),
        "imagePullPolicy": st.sampled_from(["Always", "IfNotPresent", "Never"]),
        "securityContext": st.just({"runAsNonRoot": True, "runAsUser": 1000}),
        "envFrom": st.just([{"configMapRef": {"name": "settings"}}]),
    },
)
_SIDECARS = st.fixed_dictionaries(
    {"name": st.sampled_from(["log", "fetch"]), "image": st.just("tool:1")},
    optional={"restartPolicy": st.just("Always"), "env": _ENV, "resources": _RESOURCES},
)
_FINALIZER_TEMPLATES = st.fixed_dictionaries(
    {},
    optional={
        "initContainers": st.lists(_SIDECARS, max_size=1),
        "affinity": st.just({"nodeAffinity": {}}),
        "priorityClassName": st.just("batch"),
        "terminationGracePeriodSeconds": st.integers(1, 3600),
    },
).map(lambda pod: {"spec": pod})
_FINALIZERS = st.fixed_dictionaries(
    {},
    optional={
        "gpus": st.integers(0, 8),
        "resources": _RESOURCES,
        "nodeSelector": _LABELS,
        "tolerations": _TOLERATIONS,
        "template": _FINALIZER_TEMPLATES,
        "activeDeadlineSeconds": st.integers(1, 2**31 - 1),
    },
)
_PODS = st.fixed_dictionaries(
    {"volumes": st.just([{"name": "model", "persistentVolumeClaim": {"claimName": "model"}}])},
    optional={
        "containers": st.lists(_CONTAINERS, max_size=1),
        "initContainers": st.lists(_SIDECARS, max_size=1),
        "nodeSelector": _LABELS,
        "tolerations": _TOLERATIONS,
        "terminationGracePeriodSeconds": st.integers(1, 3600),
        "serviceAccountName": st.just("worker"),
        "imagePullSecrets": st.just([{"name": "registry"}]),
        "priorityClassName": st.just("batch"),
        "securityContext": st.just({"fsGroup": 1000}),
        "runtimeClassName": st.just("nvidia"),
        "hostNetwork": st.booleans(),
        "affinity": st.just({"nodeAffinity": {}}),
    },
)


@st.composite
def _workers(draw: st.DrawFn, *, sourced: bool) -> dict[str, Any]:
    processes = draw(st.integers(1, 16))
    gpus = draw(st.integers(0, 64) if processes == 1 else st.sampled_from([0, processes]))
    made: dict[str, Any] = {"gpus": gpus, "processesPerWorker": processes}
    if draw(st.booleans()):
        made["python"] = "/opt/python/bin/python3"
    if draw(st.booleans()):
        pod = draw(_PODS)
        if not sourced and pod.get("containers") and draw(st.booleans()):
            pod["containers"][0]["workingDir"] = "/app"
        made["template"] = {"metadata": {"labels": draw(_LABELS)}, "spec": pod}
    return made
