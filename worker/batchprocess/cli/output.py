"""JSON, counted nouns and durations, the same wherever a command prints them."""

import json
from collections.abc import Iterable, Mapping
from textwrap import indent
from typing import Any


def print_json(value: Any) -> None:
    """One JSON object on stdout."""
    print(json.dumps(value, indent=1, default=str))


def print_json_list(facts: Mapping[str, Any], name: str, items: Iterable[Any]) -> None:
    """What `print_json` prints of `{**facts, name: [*items]}`, an item at a time.

    Nothing is printed before the first item is there.
    """
    head, between = json.dumps({**facts, name: []}, indent=1).removesuffix("]\n}"), "\n"
    for item in items:
        print(head + between + indent(json.dumps(item, indent=1, default=str), "  "), end="")
        head, between = "", ",\n"
    print(f"{head}]\n}}" if head else "\n ]\n}")


def plural(number: int, noun: str, many: str = "") -> str:
    """`1 shard`, `2 shards`; `many` where an s is not enough."""
    return f"{number} {noun if number == 1 else many or noun + 's'}"


def byte_size(number: float) -> str:
    """`340 bytes`, `1.5 KiB`, `20.0 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} bytes" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def duration(seconds: float) -> str:
    """`45 s`, `3 min`, `2.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
