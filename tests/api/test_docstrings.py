"""A field's docstring says its range, its default and whether it may be changed; truly."""

from collections.abc import Iterator
from typing import Any

import pytest

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.scalars import MUTABLE
from batchprocess.api.schema.structural import KEEP_UNKNOWN, inline, structural

_MARK = next(iter(MUTABLE))


SHARED = (".template.", ".resources.")
"""What is in them may be changed where they may: they are told once for workers and finalizer."""


def leaves(
    node: dict[str, Any], path: str, *, mutable: bool = False
) -> Iterator[tuple[str, dict[str, Any]]]:
    """All described fields below `node` that are not objects with fields of their own."""
    for name, field in node["properties"].items():
        inner, marked = field.get("items", field), mutable or bool(field.get(_MARK))
        if "properties" in inner:
            yield from leaves(inner, f"{path}.{name}", mutable=marked)
        elif "type" in field or KEEP_UNKNOWN not in field:  # what is handed on is Kubernetes'
            yield f"{path}.{name}", field | {_MARK: marked}


def _spec() -> dict[str, Any]:
    made = BatchProcessJob.model_json_schema()
    return structural(inline(made, made["$defs"])["properties"]["spec"])


LEAVES = dict(leaves(_spec(), "spec"))


@pytest.mark.parametrize("path", LEAVES)
def test_a_docstring_says_range_default_and_mutability(path: str):
    field = LEAVES[path]
    text = field["description"]
    if text.startswith("Refused: "):
        return
    if any(part in path for part in SHARED):
        assert "utable" not in text
    else:
        assert ("Mutable" in text) == field[_MARK], text
        assert ("Immutable." in text) != field[_MARK], text
    if "default" in field:
        assert f"Default {str(field['default']).lower()}." in text
    for bound in ("minimum", "maximum", "maxItems", "maxProperties"):
        if bound in field and field[bound] > -(2**31):
            assert str(field[bound]) in text, (bound, text)
    for value in field.get("enum", ()):
        assert value is None or value in text
