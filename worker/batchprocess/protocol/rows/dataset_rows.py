"""Which rows of the dataset stand at the positions of a run: the one mapping between the two.

What cuts a run into shards and batches, and what its records count, are positions. What is read,
named and left out are rows of the dataset.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from batchprocess.protocol.records import Span

_SHOWN = 10


@dataclass(frozen=True, eq=False)
class DatasetRows:
    """`listed`: the row at each position, ascending; None: a position is the row of that number.

    `left_out`: rows that no batch has, wherever they stand.
    """

    listed: "array[int] | None" = None
    left_out: frozenset[int] = frozenset()

    def at(self, positions: Span) -> Sequence[int]:
        """Rows that a batch of these positions has."""
        rows = self.all_at(positions)
        if not self.left_out or self.left_out.isdisjoint(rows):
            return rows
        return [row for row in rows if row not in self.left_out]

    def left_out_at(self, positions: Span) -> list[int]:
        """Rows at these positions that their batches have not."""
        if not self.left_out:
            return []
        return [row for row in self.all_at(positions) if row in self.left_out]

    def all_at(self, positions: Span) -> Sequence[int]:
        """Rows at these positions, those that are left out as well."""
        return range(*positions) if self.listed is None else self.listed[slice(*positions)].tolist()

    def position_of(self, row: int) -> int | None:
        """Where the row stands; None if a list has no such row."""
        if self.listed is None:
            return row
        position = bisect_left(self.listed, row)
        found = position < len(self.listed) and self.listed[position] == row
        return position if found else None


ALL_ROWS = DatasetRows()
"""Of a run over the whole dataset."""


def said(rows: Sequence[int]) -> str:
    """Ascending rows for a person: from one to another, or the first few of them."""
    if not rows:
        return "no row"
    if len(rows) == 1:
        return f"row {rows[0]}"
    if rows[-1] - rows[0] == len(rows) - 1:
        return f"rows {rows[0]} to {rows[-1]}"
    more = len(rows) - _SHOWN
    shown = ", ".join(map(str, rows[:_SHOWN]))
    return f"rows {shown}{f' and {more} more, up to {rows[-1]}' if more > 0 else ''}"
