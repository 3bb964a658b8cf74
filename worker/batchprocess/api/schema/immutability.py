"""One rule for each field of a job that may not be changed. Pure.

`has()` on both sides, since a rule on the field itself would not be asked when the field is
removed, or added: two edits would change what one may not. Both ways round, since an object with
a null for an absent field equals, seen from its side, one that has another field instead. What CEL
cannot see is a renamed key of a free object (`hparams`): of names that the schema does not list it
compares only those that both sides have. The operator's chart has a policy for that.
"""

from collections.abc import Iterator
from typing import Any

from batchprocess.api.base import Rule
from batchprocess.api.scalars import MUTABLE

_MARK = next(iter(MUTABLE))
REMEDY = "cannot be changed on an existing job: create another one, or delete it and create it anew"


def immutability(spec: dict[str, Any]) -> list[Rule]:
    """The rules for the structural schema of spec; a part is split where a mutable field is."""
    return [_rule(path, parents) for path, parents in _immutable(spec, "", ())]


def without_marks(node: Any) -> Any:
    """The schema without the marks of mutable fields, which are ours, not Kubernetes'."""
    if isinstance(node, dict):
        return {key: without_marks(value) for key, value in node.items() if key != _MARK}
    if isinstance(node, list):
        return [without_marks(item) for item in node]
    return node


def _immutable(
    node: dict[str, Any], path: str, absent: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Paths, and the parts above each that may be absent: what has no default is not filled in."""
    for name, field in node["properties"].items():
        if field.get(_MARK):
            continue
        inner = f"{path}.{name}"
        if _has_mutable(field):
            yield from _immutable(field, inner, absent if "default" in field else (*absent, inner))
        else:
            yield inner, absent


def _has_mutable(node: dict[str, Any]) -> bool:
    fields = node.get("properties", {}).values()
    return any(field.get(_MARK) or _has_mutable(field) for field in fields)


def _rule(path: str, absent: tuple[str, ...]) -> Rule:
    new, old = f"self{path}", f"oldSelf{path}"
    has_new, has_old = _has("self", path, absent), _has("oldSelf", path, absent)
    return Rule(
        f"{has_new} == {has_old} && (!{has_new} || ({new} == {old} && {old} == {new}))",
        f"spec{path} {REMEDY}",
        field=path,
    )


def _has(whose: str, path: str, absent: tuple[str, ...]) -> str:
    asked = " && ".join(f"has({whose}{one})" for one in (*absent, path))
    return f"({asked})" if absent else asked
