"""The reference page: every field of the job, as the docstrings tell it. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from batchprocess.api.base import RULES
from batchprocess.api.schema.crd import SHORT, job_schema
from batchprocess.api.schema.structural import KEEP_UNKNOWN, Schema
from batchprocess.protocol.job_object import API_VERSION, KIND

_INTRODUCTION = f"""\
# {KIND}, {API_VERSION}

The object that `kubectl apply` and `batchprocess run` take: short name `{SHORT}`, namespaced. In an
editor, `crds/batchprocessjob.schema.json` checks and completes it.

A field is *mutable* if it may be changed on an existing job; the API server refuses a change of
any other. A null is as good as absent, unless a field says what it means. Defaults are filled in
when an object is stored, so a job keeps meaning what it meant when it was accepted.
"""


def reference_page() -> str:
    """The page, in Markdown."""
    schema = job_schema()
    parts, places = [_INTRODUCTION], dict[str, str]()
    for name in ("spec", "status"):
        parts += _section(schema["properties"][name], name, places)
    parts += ["## Rules\n", "Beside the ranges above, the API server asks that:\n"]
    parts += ["\n".join(f"- {message}" for message in _messages(schema)) + "\n"]
    return "\n".join(parts)


def _section(node: Schema, path: str, places: dict[str, str]) -> Iterator[str]:
    """The fields of an object as a table, then those of the objects in it.

    `places`: where each kind of object is told, by its fields; it is told once.
    """
    yield f"## {path}\n"
    yield f"{_text(node)}\n"
    yield "| field | type | meaning |\n|---|---|---|"
    fields: dict[str, Schema] = node["properties"]
    told = {name: field for name, field in fields.items() if "description" in field}
    found = []
    for name, field in told.items():
        inner, inner_path = _inner(field, f"{path}.{name}")
        place = places.setdefault(json.dumps(inner.get("properties", inner_path)), inner_path)
        if "properties" in inner and place == inner_path:
            found.append((inner, inner_path))
        yield f"| `{name}` | {_type(field, place)} | {_text(field)} |"
    passed = [f"`{name}`" for name in fields if name not in told]
    if passed:
        yield f"\nHanded on as they are: {', '.join(passed)}."
    yield ""
    for inner, inner_path in found:
        yield from _section(inner, inner_path, places)


def _inner(field: Schema, path: str) -> tuple[Schema, str]:
    if field.get("type") == "array":
        return field["items"], f"{path}[]"
    return field, path


def _type(field: Schema, place: str) -> str:
    inner, _ = _inner(field, place)
    if "properties" in inner:
        anchor = "".join(c for c in place.lower() if c.isalnum() or c in "-_")
        what = f"[{place}](#{anchor})"
    elif "additionalProperties" in inner:
        what = f"map of {_scalar(inner['additionalProperties'])}"
    else:
        what = _scalar(inner)
    return f"list of {what}" if inner is not field else what


def _scalar(field: Schema) -> str:
    if "enum" in field:
        return " or ".join(f"`{one}`" for one in field["enum"])
    if field.get("x-kubernetes-int-or-string"):
        return "quantity"
    if field.get("type") == "object" or KEEP_UNKNOWN in field:
        return "anything" if field.get("type") is None else "object"
    if field.get("format") == "date-time":
        return "time"
    return str(field["type"])


def _text(field: Schema) -> str:
    return str(field["description"]).replace("|", "\\|").replace("<", "&lt;")


def _messages(node: Any) -> list[str]:
    """All rules' sentences in the order of the schema, each once; those of immutability aside."""
    found: dict[str, None] = {}
    todo = [node]
    while todo:
        one = todo.pop(0)
        if isinstance(one, dict):
            for rule in one.get(RULES, ()):
                if "has(oldSelf" not in rule["rule"] or rule["fieldPath"] == ".spec.retry":
                    found[rule["message"]] = None
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)
    return list(found)
