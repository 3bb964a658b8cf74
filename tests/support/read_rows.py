"""Rows of a reader, read in the ways in which anybody may read them."""

import random
from collections.abc import Sequence
from typing import Any

from torch.utils.data import DataLoader


def require_rows_by_number(reader: Any, rows: Sequence[Any], times: int = 20) -> None:
    """Alone, all together, and some here and there with those that follow."""
    assert len(reader) == len(rows)
    assert list(reader.__getitems__(range(len(rows)))) == list(rows)
    drawn = random.Random(2)
    for _ in range(times):
        some = [drawn.randrange(len(rows)) for _ in range(5)]
        some += range(some[0], min(some[0] + 30, len(rows)))
        assert list(reader.__getitems__(some)) == [rows[one] for one in some]
        assert reader[some[1]] == rows[some[1]]


def rows_by_processes(reader: Any, method: str) -> list[Any]:
    """All rows, through two loader processes that are started by this method."""
    loader: DataLoader[Any] = DataLoader(
        reader,
        batch_size=64,
        num_workers=2,
        collate_fn=list,
        multiprocessing_context=method,
    )
    return [row for batch in loader for row in batch]
