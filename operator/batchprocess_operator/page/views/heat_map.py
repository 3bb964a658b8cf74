"""Ten thousand shards in one picture: a cell each, drawn as a few paths. Pure.

Cells of one kind are one path, and neighbours one piece of it: a picture of 10,000 elements would
take megabytes, and a browser seconds each time that it is made anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, sqrt
from typing import Literal

from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.page.views.words import count

Kind = Literal["succeeded", "failed", "pending", "run0", "run1", "run2", "run3"]
KINDS: tuple[Kind, ...] = ("succeeded", "failed", "pending", "run0", "run1", "run2", "run3")
_COLUMNS = 200
_BANDS = 12
"""Of rows that lead to their shards: whoever has no mouse goes through them one by one."""
_LARGEST = 26
"""Of a cell, in the page's pixels."""


@dataclass(frozen=True, slots=True)
class Band:
    """Some rows, which lead to a table of their shards."""

    first: int
    y: int
    height: int
    label: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A picture `columns` by `rows` cells large. `layers`: kind -> path.

    `retried`: a path of marks on cells that more than one pod has begun; `lines` between cells.
    """

    columns: int
    rows: int
    width: int
    layers: Mapping[str, str]
    retried: str
    lines: str
    bands: Sequence[Band]
    label: str


def kinds_of(shards: Shards) -> list[Kind]:
    """The kind of every shard, in order; those at work by how far they are."""
    kinds: list[Kind] = ["pending"] * shards.total
    for shard in shards.running:
        size = 0 if shards.sizes is None else shards.sizes[shard]
        quarter = min(4 * shards.cursors[shard] // size, 3) if size else 0
        kinds[shard] = KINDS[3 + quarter]
    for shard in shards.done:
        kinds[shard] = "succeeded"
    for shard in shards.failed:
        kinds[shard] = "failed"
    return kinds


def heat_map(shards: Shards, attempts: Mapping[int, int]) -> HeatMap:
    """Of all shards; `attempts`: shard -> pods that have begun it."""
    kinds = kinds_of(shards)
    columns = _columns(len(kinds))
    rows = ceil(len(kinds) / columns)
    return HeatMap(
        columns=columns,
        rows=rows,
        width=min(columns * _LARGEST, 1_200),
        layers=_layers(kinds, columns),
        retried=_marks(attempts, columns, len(kinds)),
        lines=_lines(columns, rows),
        bands=_bands(kinds, columns, rows),
        label=f"{count(len(kinds))} shards: {spoken(kinds)}",
    )


def spoken(kinds: Sequence[Kind]) -> str:
    """How many of each: 12 succeeded, 3 running, 1 failed."""
    names = [("running" if kind.startswith("run") else kind) for kind in kinds]
    parts = ((names.count(name), name) for name in ("succeeded", "running", "failed", "pending"))
    return ", ".join(f"{count(number)} {name}" for number, name in parts if number)


def _columns(total: int) -> int:
    """Four times as wide as high, as far as that goes."""
    return min(max(ceil(sqrt(4 * total)), min(total, 8)), _COLUMNS)


def _layers(kinds: Sequence[Kind], columns: int) -> dict[str, str]:
    pieces: dict[str, list[str]] = {}
    for y, start in enumerate(range(0, len(kinds), columns)):
        x = 0
        for kind, cells in groupby(kinds[start : start + columns]):
            length = len(list(cells))
            pieces.setdefault(kind, []).append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return {kind: "".join(pieces[kind]) for kind in KINDS if kind in pieces}


def _marks(attempts: Mapping[int, int], columns: int, total: int) -> str:
    again = sorted(k for k, number in attempts.items() if number > 1 and 0 <= k < total)
    return "".join(f"M{k % columns}.35 {k // columns}.35h.3v.3h-.3z" for k in again)


def _lines(columns: int, rows: int) -> str:
    down = "".join(f"M{x} 0v{rows}" for x in range(1, columns))
    return down + "".join(f"M0 {y}h{columns}" for y in range(1, rows))


def _bands(kinds: Sequence[Kind], columns: int, rows: int) -> list[Band]:
    height = ceil(rows / _BANDS)
    found = []
    for y in range(0, rows, height):
        inside = kinds[y * columns : (y + height) * columns]
        first = y * columns
        label = f"Shards {count(first)} to {count(first + len(inside) - 1)}: {spoken(inside)}"
        found.append(Band(first, y, min(height, rows - y), label))
    return found
