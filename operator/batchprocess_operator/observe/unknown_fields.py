"""Fields of a job that this release does not know: a newer CRD fills in defaults. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from batchprocess.api.base import NOT_PASSED_ON
from batchprocess.plain_text import plain
from batchprocess.version import __version__
from batchprocess_operator.model.conditions import Fact
from batchprocess_operator.model.job import UnknownField

MAX_NAMED = 10
_MAX_VALUE = 100
_MAX_NAME = 100
_NOBODY = object()
Schema = Mapping[str, Any]


def unknown_fields(given: Mapping[str, Any], error: ValidationError) -> list[UnknownField]:
    """Where `error` says nothing but that `given` has unknown fields, these; else none."""
    paths: list[tuple[str | int, ...]] = []
    for one in error.errors(include_url=False, include_input=False):
        if one["type"] == "extra_forbidden":
            paths.append(one["loc"])
        elif one["type"] == NOT_PASSED_ON:
            paths += [(*one["loc"], name) for name in one["ctx"]["unknown"]]
        else:
            return []
    found = [UnknownField(path, _at(given, path)) for path in paths]
    return [] if any(field.value is _NOBODY for field in found) else found


def without(given: Mapping[str, Any], fields: Iterable[UnknownField]) -> dict[str, Any]:
    """`given` without these fields; itself unchanged."""
    left: Any = dict(given)
    for field in fields:
        left = _removed(left, field.path)
    made: dict[str, Any] = left
    return made


def undefaulted(fields: Iterable[UnknownField], schema: Schema) -> list[UnknownField]:
    """Those that are neither null nor what the API server fills in where nothing is said.

    `schema` is that of the whole object.
    """
    return [
        field
        for field in fields
        if field.value is not None and not _is_default(field, _schema_at(schema, field.path))
    ]


def warning(fields: Iterable[UnknownField], unsure: str) -> Fact:
    """That they are there, which is told as long as the job lives; `unsure` as in `Job`."""
    if unsure:
        going = f"what is under way goes on, and no other worker Job or finalizer is made: {unsure}"
        return Fact("UnknownFields", True, "NewerCRD", going)
    return Fact(
        "UnknownFields",
        True,
        "NewerCRD",
        f"the operator ({__version__}) does not know {_named(fields)}, which the CRD of this "
        "cluster has, and goes on as if nothing were said there: upgrade the operator",
    )


def refusal(fields: Iterable[UnknownField], trouble: str = "") -> str:
    """Why nothing is begun; `trouble`: why it is not known whether that is right."""
    first, *others = fields
    more = f"; so with {_named(others)}" if others else ""
    value = plain(json.dumps(first.value, sort_keys=True)[:_MAX_VALUE])
    unsure = f" and cannot ask for its default ({trouble})" if trouble else ""
    return (
        f"{_name(first)} is {value}, and the operator ({__version__}) does not know this field"
        f"{unsure}: upgrade the operator, or leave the field out{more}"
    )


def _named(fields: Iterable[UnknownField]) -> str:
    names = [_name(field) for field in fields]
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def _name(field: UnknownField) -> str:
    return plain(field.name, _MAX_NAME)


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    try:
        for step in path:
            value = value[step]
    except (KeyError, IndexError, TypeError):
        return _NOBODY
    return value


def _removed(value: Any, path: tuple[str | int, ...]) -> Any:
    """Copies what is around it, and nothing else: the rest may be large and deep."""
    step, *rest = path
    copied: Any = dict(value) if isinstance(value, Mapping) else list(value)
    if rest:
        copied[step] = _removed(copied[step], tuple(rest))
    else:
        del copied[step]
    return copied


def _schema_at(schema: Schema, path: Iterable[str | int]) -> Schema:
    """An empty one for what the schema does not have, or not yet."""
    for step in path:
        below = schema.get("items") if isinstance(step, int) else _property(schema, step)
        if not isinstance(below, Mapping):
            return {}
        schema = below
    return schema


def _property(schema: Schema, name: str) -> Any:
    return (schema.get("properties") or {}).get(name) or schema.get("additionalProperties")


def _is_default(field: UnknownField, schema: Schema) -> bool:
    """In JSON, where true is not 1."""
    if "default" not in schema:
        return False
    filled = _filled(schema["default"], schema)
    return json.dumps(filled, sort_keys=True) == json.dumps(field.value, sort_keys=True)


def _filled(value: Any, schema: Schema) -> Any:
    """As the API server stores it: a default of a whole gets those of its parts too."""
    if isinstance(value, dict):
        defaults = {name: below["default"] for name, below in _defaults(schema)}
        return {
            name: _filled(one, _schema_at(schema, [name]))
            for name, one in (defaults | value).items()
        }
    if isinstance(value, list):
        return [_filled(one, _schema_at(schema, [0])) for one in value]
    return value


def _defaults(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for name, below in (schema.get("properties") or {}).items():
        if "default" in below:
            yield name, below
