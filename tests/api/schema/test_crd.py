"""What the CRD lets in has an end."""

from collections.abc import Iterator
from typing import Any

from batchprocess.api.schema.crd import job_schema
from batchprocess.api.schema.structural import KEEP_UNKNOWN

BOUND_BY = {
    "string": ("maxLength",),
    "array": ("maxItems",),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
}
ANYTHING = ("maxLength", "maxItems", "maxProperties")
KNOWN = {"status.rate: maximum"}
"""Only the operator writes it, and a status that is refused for its size would tell nothing."""


def unbounded(node: dict[str, Any], path: str) -> Iterator[str]:
    """What has no end, as `path: the keyword that is missing`."""
    kind = node.get("type")
    wanted: tuple[str, ...] = BOUND_BY.get(kind or "", ())
    if "enum" in node or node.get("format") == "date-time":
        wanted = ()
    elif KEEP_UNKNOWN in node:
        wanted = ("maxProperties",) if kind == "object" else ANYTHING
    elif "additionalProperties" in node:
        wanted = ("maxProperties",)
    yield from (f"{path}: {keyword}" for keyword in wanted if keyword not in node)
    for name, field in node.get("properties", {}).items():
        yield from unbounded(field, f"{path}.{name}")
    for part, ending in (("items", "[]"), ("additionalProperties", "{}")):
        if part in node:
            yield from unbounded(node[part], f"{path}{ending}")


def test_every_text_list_map_and_number_is_bounded() -> None:
    fields = job_schema()["properties"]
    found = {one for name in ("spec", "status") for one in unbounded(fields[name], name)}
    assert found == KNOWN


def test_what_is_not_bounded_is_found() -> None:
    texts = {"type": "array", "maxItems": 3, "items": {"type": "string"}}
    node = {"type": "object", "properties": {"a": texts, "b": {KEEP_UNKNOWN: True, "maxLength": 1}}}
    assert list(unbounded(node, "x")) == [
        "x.a[]: maxLength",
        "x.b: maxItems",
        "x.b: maxProperties",
    ]
