"""From YAML text to a job; every error names file, line, field, value and what would be right."""

import difflib
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.output import URL
from batchprocess.api.scalars import REFERENCE
from batchprocess.api.yaml_text import parse
from batchprocess.protocol.bad_rows.limit import PERCENT
from batchprocess.protocol.errors import InvalidArgument

_IN_WORDS = {
    REFERENCE: "must be module:name, without .py",
    URL: "must begin with http:// or https://",
    PERCENT: 'must be a percentage, as "0.5%"',
}
"""What a pattern means, where the pattern itself says little."""
_HINTS: dict[tuple[int | str, ...], str] = {
    ("spec", "input"): ": that of files is {uri: ...}",
    ("spec", "input", "uri"): ": several are a pattern (in/*.csv), or @list.txt, which lists them",
}
"""What would be right, where people expect something else to be."""


def load_job(text: str, source: str) -> BatchProcessJob:
    """The job in `text`; `source` is the file's name for errors. Raises InvalidArgument."""
    node, value = parse(text, source)
    if node is None or not isinstance(value, dict):
        raise InvalidArgument(f"{source}: a job is a mapping with apiVersion, kind, metadata, spec")
    try:
        return BatchProcessJob.model_validate(value)
    except ValidationError as error:
        problems = islice(_sentences(error.errors(), source, node), 5)
        raise InvalidArgument("\n".join(problems)) from error


def _sentences(errors: Sequence[ErrorDetails], source: str, node: yaml.Node) -> Iterator[str]:
    """One for each field that is wrong: of what a field may be, each kind has its own error."""
    places = [(_in_text(error["loc"], node), error) for error in errors]
    for path, of_field in groupby(places, key=itemgetter(0)):
        yield _sentence(path, [error for _, error in of_field], source, node)


def _in_text(loc: Sequence[int | str], node: yaml.Node) -> tuple[int | str, ...]:
    """The place without the names of kinds, which pydantic puts behind that of the field."""
    found: yaml.Node | None = node
    for depth, part in enumerate(loc):
        if isinstance(found, yaml.ScalarNode):
            return tuple(loc[:depth])
        found = next((value for _, value in _children(found, part)), None)
    return tuple(loc)


def _sentence(
    path: Sequence[int | str], errors: Sequence[ErrorDetails], source: str, node: yaml.Node
) -> str:
    first = errors[0]
    field = ".".join(str(part) for part in path) or "the job"
    where = f"{source}, line {_line(node, path)}: {field}"
    if first["type"] == "extra_forbidden":
        return f"{where} is not a known field{_suggestion(path)}"
    if first["type"] == "missing":
        return f"{where} is missing"
    told = ", or ".join(dict.fromkeys(map(_said, errors)))
    if told.startswith(f"{field}."):  # of fields that do not go together: it names them
        where = where.removesuffix(f": {field}")
        return f"{where}: {told}"
    shown = "" if isinstance(first["input"], dict) else f" (found {first['input']!r:.100})"
    return f"{where}: {told}{shown}{_HINTS.get(tuple(path), '')}"


def _said(error: ErrorDetails) -> str:
    if error["type"] == "model_type":
        return "must be a mapping of fields, as {field: value}"
    pattern = error.get("ctx", {}).get("pattern", "")
    said = _IN_WORDS.get(pattern, error["msg"].removeprefix("Value error, "))
    return f"{said[0].lower()}{said[1:]}"


def _line(node: yaml.Node | None, path: Sequence[int | str]) -> int:
    """Line of the deepest part of `path` that the text has, from 1."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in path:
        found = next(_children(node, part), None)
        if found is None:
            return line
        key, node = found
        line = key.start_mark.line + 1
    return line


def _children(node: yaml.Node | None, part: int | str) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((key, value) for key, value in node.value if key.value == str(part))
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        yield node.value[part], node.value[part]


def _suggestion(path: Sequence[int | str]) -> str:
    model: Any = BatchProcessJob
    for part in path[:-1]:
        model = next(
            (
                kind
                for field in model.model_fields.values()
                if field.alias == part
                for kind in (field.annotation, *get_args(field.annotation))
                if isinstance(kind, type) and issubclass(kind, BaseModel)
            ),
            None,
        )
        if model is None:
            return ""
    known = [str(field.alias) for field in model.model_fields.values()]
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f": did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(known))}"
