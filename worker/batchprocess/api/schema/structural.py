"""From the models' JSON Schema to what Kubernetes calls a structural schema. Pure.

No references, one type a node, nulls only where they are values of their own, and unknown fields
kept only where anything goes.
"""

from collections.abc import Mapping
from typing import Any

from batchprocess.api.scalars import MAX_INT32

Schema = dict[str, Any]
KEEP_UNKNOWN = "x-kubernetes-preserve-unknown-fields"
LIST_TYPE = "x-kubernetes-list-type"
_SAME = (
    *("type", "enum", "pattern", "format", "minLength", "maxLength", "minItems", "maxItems"),
    *("minProperties", "maxProperties", "minimum", "maximum"),
)


def inline(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """`node` with every reference replaced by what it names; what stands beside it wins."""
    if "$ref" in node:
        named = definitions[node["$ref"].rpartition("/")[2]]
        node = {**named, **{key: value for key, value in node.items() if key != "$ref"}}
    return {key: _inlined(value, definitions) for key, value in node.items() if key != "$defs"}


def _inlined(value: Any, definitions: Mapping[str, Schema]) -> Any:
    if isinstance(value, dict):
        return inline(value, definitions)
    if isinstance(value, list):
        return [_inlined(item, definitions) for item in value]
    return value


def structural(node: Schema, *, defaults: bool = True) -> Schema:
    """The structural schema of an inlined node. Raises ValueError for what has none."""
    choices = [one for one in node.get("anyOf", ()) if one.get("type") != "null"]
    kinds = {one.get("type") for one in choices}
    if kinds == {"integer", "string"}:
        made = _int_or_string(node, choices)
        made = _nullable(made) if len(choices) < len(node["anyOf"]) else made
    elif len(choices) == 1:
        # Server-side apply sends nulls as they are written, and refuses them elsewhere.
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        return _nullable(structural({**choices[0], **rest}, defaults=defaults))
    elif choices:
        raise ValueError(f"no structural schema for one of {sorted(map(str, kinds))}")
    else:
        made = _single(node, defaults=defaults)
    made |= {key: value for key, value in node.items() if key.startswith("x-")}
    if defaults and "default" in node:
        made |= _default(node["default"], made)
    return _described(node) | made


def _nullable(made: Schema) -> Schema:
    """The API server takes no null where it has an enum, not even one that lists null."""
    words = made.pop("enum", None)
    if words is not None:
        made |= {"pattern": f"^({'|'.join(words)})$", "maxLength": max(map(len, words))}
    return made | {"nullable": True}


def _described(node: Schema) -> Schema:
    text = " ".join(node.get("description", "").split())
    return {"description": text} if text else {}


def _int_or_string(node: Schema, choices: list[Schema]) -> Schema:
    made: Schema = {
        "x-kubernetes-int-or-string": True,
        "anyOf": [{"type": "integer"}, {"type": "string"}],
    }
    for choice in (node, *choices):
        made |= {
            key: choice[key]
            for key in ("minimum", "maximum", "maxLength", "pattern")
            if key in choice
        }
    return made


def _single(node: Schema, *, defaults: bool) -> Schema:
    made = {key: node[key] for key in _SAME if key in node}
    if "const" in node:
        made["enum"] = [node["const"]]
    if "exclusiveMinimum" in node:
        made |= {"minimum": node["exclusiveMinimum"], "exclusiveMinimum": True}
    match node.get("type"):
        case "integer":
            made["format"] = "int32" if node.get("maximum", MAX_INT32 + 1) <= MAX_INT32 else "int64"
        case "array":
            made |= {"items": structural(node["items"], defaults=defaults), LIST_TYPE: "atomic"}
        case "object":
            made |= _object(node, defaults=defaults)
        case None if "enum" not in made:
            made[KEEP_UNKNOWN] = True
    return made


def _object(node: Schema, *, defaults: bool) -> Schema:
    if "properties" in node:
        fields = {
            name: structural(field, defaults=defaults) for name, field in node["properties"].items()
        }
        required = {"required": node["required"]} if node.get("required") else {}
        return {"properties": fields, **required}
    values = node.get("additionalProperties", True)
    if values is True:
        return {KEEP_UNKNOWN: True}
    return {"additionalProperties": structural(values, defaults=defaults)}


def _default(value: Any, made: Schema) -> Schema:
    """A default that means something of its own.

    Kubernetes fills a default in when an object is stored, so a job keeps meaning what it meant
    when it was accepted, whatever a later release has for a default. Absent and empty mean the
    same, so empty is not filled in. A default of a whole part is said whole, since the API server
    asks the part's rules of it as it stands; a part that is absent by default stays so.
    """
    if value is not None and "properties" in made:
        fields = made["properties"].items()
        value = {name: field["default"] for name, field in fields if "default" in field}
    return {} if value in (None, [], {}) else {"default": value}
