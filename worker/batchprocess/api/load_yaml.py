"""From YAML text to a job; every error names file, line, field, value and what would be right."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.output import URL
from batchprocess.api.scalars import REFERENCE
from batchprocess.api.yaml_text import parse
from batchprocess.protocol.errors import InvalidArgument

_IN_WORDS = {
    REFERENCE: "must be module:name, without .py",
    URL: "must begin with http:// or https://",
}
"""What a pattern means, where the pattern itself says little."""


def load_job(text: str, source: str) -> BatchProcessJob:
    """The job in `text`; `source` is the file's name for errors. Raises InvalidArgument."""
    node, value = parse(text, source)
    if not isinstance(value, dict):
        raise InvalidArgument(f"{source}: a job is a mapping with apiVersion, kind, metadata, spec")
    try:
        return BatchProcessJob.model_validate(value)
    except ValidationError as error:
        problems = [_sentence(one, source, node) for one in error.errors()[:5]]
        raise InvalidArgument("\n".join(problems)) from error


def _sentence(error: ErrorDetails, source: str, node: yaml.Node | None) -> str:
    path = tuple(error["loc"])
    field = ".".join(str(part) for part in path) or "the job"
    where = f"{source}, line {_line(node, path)}: {field}"
    if error["type"] == "extra_forbidden":
        return f"{where} is not a known field{_suggestion(path)}"
    if error["type"] == "missing":
        return f"{where} is missing"
    pattern = error.get("ctx", {}).get("pattern", "")
    said = _IN_WORDS.get(pattern, error["msg"].removeprefix("Value error, "))
    shown = "" if isinstance(error["input"], dict) else f" (found {error['input']!r:.100})"
    return f"{where}: {said[0].lower()}{said[1:]}{shown}"


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
                field.annotation
                for field in model.model_fields.values()
                if field.alias == part and isinstance(field.annotation, type)
            ),
            None,
        )
        if model is None or not issubclass(model, BaseModel):
            return ""
    known = [str(field.alias) for field in model.model_fields.values()]
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f": did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(known))}"
