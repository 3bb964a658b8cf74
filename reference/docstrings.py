"""Docstrings and signatures as Markdown."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from batchprocess.sdk.save.column_types import Column

_WIDTH = 96
_PLACES = re.compile(r"\b(?:batchprocess|collections|typing|pathlib)\.(?:\w+\.)*(?=\w)")


def described(thing: object) -> str:
    """Its docstring; what it says of one argument after another becomes a list.

    Raises ValueError if there is none.
    """
    text = inspect.getdoc(thing)
    if not text:
        raise ValueError(f"{thing} has no docstring")
    arguments = _arguments(thing)
    return "\n\n".join(_block(block, arguments) for block in text.split("\n\n"))


def signature(name: str, thing: Callable[..., Any]) -> str:
    """How it is called, as a block of code; one argument a line where one line is too long."""
    called = inspect.signature(thing)
    parts = list(_shown(called))
    gives = called.return_annotation
    end = "" if inspect.isclass(thing) or gives is called.empty else f" -> {_type(gives)}"
    line = f"{name}({', '.join(parts)}){end}"
    if len(line) > _WIDTH:
        line = f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){end}"
    return f"```python\n{line}\n```"


def fields_of(thing: type) -> str:
    """What a dataclass has, with types; nothing of another class."""
    if not dataclasses.is_dataclass(thing):
        return ""
    fields = [one for one in dataclasses.fields(thing) if not one.name.startswith("_")]
    return f"Fields: {', '.join(f'`{one.name}: {_type(one.type)}`' for one in fields)}.\n"


def _arguments(thing: object) -> list[str]:
    """Names that its docstring may tell of: of arguments, or of a dataclass's fields."""
    if dataclasses.is_dataclass(thing):
        return [one.name for one in dataclasses.fields(thing)]
    return list(inspect.signature(thing).parameters) if callable(thing) else []


def _shown(called: inspect.Signature) -> Iterator[str]:
    """The arguments, but for self, with the mark before those that go by name alone."""
    marked = False
    for one in called.parameters.values():
        if one.kind is one.KEYWORD_ONLY and not marked:
            yield "*"
        marked = marked or one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        if one.name != "self":
            yield _argument(one)


def _argument(one: inspect.Parameter) -> str:
    stars = "*" * ((one.kind is one.VAR_POSITIONAL) + 2 * (one.kind is one.VAR_KEYWORD))
    typed = "" if one.annotation is one.empty else f": {_type(one.annotation)}"
    if one.default is one.empty:
        return f"{stars}{one.name}{typed}"
    plain = one.default is None or isinstance(one.default, str | int | float | tuple)
    return f"{one.name}{typed} = {repr(one.default) if plain else '...'}"


def _type(annotation: Any) -> str:
    """As it is written in code, without the places of its names."""
    return _plain(annotation).replace(_plain(Column), "Column")


def _plain(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return _PLACES.sub("", text).replace("~", "")


def _block(text: str, arguments: list[str]) -> str:
    if text.startswith("    "):
        return f"```python\n{inspect.cleandoc(text)}\n```"
    names = "|".join(arguments) or "$^"
    parts = re.split(rf"(?:^|(?<=\.)\s)(?=(?:{names}): |Raises )", text)
    told = [" ".join(part.split()) for part in parts if part.strip()]
    if not any(re.match(rf"(?:{names}): ", part) for part in told):
        return text
    items = [re.sub(rf"^({names}): ", r"- `\1`: ", part) for part in told]
    return "".join(f"\n{one}" if one.startswith("- ") else f"\n\n{one}\n" for one in items).strip()
