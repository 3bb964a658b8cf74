"""Every bound of every field: its edges are accepted, what lies beyond is refused by name."""

from collections.abc import Iterator
from typing import Any

import pytest

from batchprocess.api.schema.crd import job_schema
from support.job_cases import merged, spec
from support.kube.job_server import JobServer, Refused

pytestmark = pytest.mark.slow


def leaves(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in node["properties"].items():
        if "properties" in field:
            yield from leaves(field, f"{path}{name}.")
        else:
            yield f"{path}{name}", field


FIELDS = dict(leaves(job_schema()["properties"]["spec"], ""))
# It is refused whatever it is: see test_rules.py.
del FIELDS["worker.template.spec.restartPolicy"]


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
        if "maxItems" in field and field["items"].get("type") == "string":
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
