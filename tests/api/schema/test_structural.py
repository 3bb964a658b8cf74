"""From the models' JSON Schema to a structural one: defaults that the API server takes."""

from collections.abc import Iterator
from typing import Any

from batchprocess.api.schema.crd import job_schema
from batchprocess.api.schema.structural import structural


def incomplete(node: dict[str, Any], path: str) -> Iterator[str]:
    """Defaults that lack what their own schema requires: with one the API server takes no CRD."""
    default = node.get("default")
    if isinstance(default, dict) and set(node.get("required", ())) - default.keys():
        yield path
    for name, field in node.get("properties", {}).items():
        yield from incomplete(field, f"{path}.{name}")
    if "items" in node:
        yield from incomplete(node["items"], f"{path}[]")


def test_no_default_lacks_a_required_field() -> None:
    assert list(incomplete(job_schema()["properties"]["spec"], "spec")) == []


def test_a_part_that_is_absent_by_default_stays_so_whatever_its_fields_default_to() -> None:
    inner = {"type": "string", "default": "tell"}
    part = {"type": "object", "properties": {"onChange": inner}}
    optional = {"anyOf": [part, {"type": "null"}], "default": None}
    assert "default" not in structural(optional)
    assert structural({**part, "default": {}})["default"] == {"onChange": "tell"}
