"""The ids of rows that user code saves without naming them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from batchprocess.sdk.save.column_types import Column

Ids = Sequence[Any]
RowIds = Callable[[Sequence[int]], Ids]
"""From the dataset's numbers of rows to their ids."""


def ids_of(rows: Sequence[int], named: RowIds | None) -> Ids:
    """By the dataset, else the rows' numbers; TypeError if it has not one id for each."""
    if named is None:
        return rows
    found = named(rows)
    if len(found) != len(rows):
        raise TypeError(
            f"row_ids of the dataset gave {len(found)} ids for {len(rows)} rows: give one for each"
        )
    return found


def check_one_a_row(
    name: str, columns: Mapping[str, Column], rows: Sequence[int] | None, failed: Sequence[int] = ()
) -> None:
    """Raise ValueError unless the columns, saved as `name`, have one row for each of `rows`.

    These are None where there is no batch; `failed`: positions that are not among them any more.
    """
    length = len(next(iter(columns.values()), ()))
    if rows is not None and length == len(rows):
        return
    if failed and rows is not None and length == len(rows) + len(failed):
        raise ValueError(
            f"{name!r} got {length} rows, but those at positions {list(failed)!r:.100} of the "
            "batch have failed: leave them out"
        )
    found = "there is no batch here" if rows is None else f"the batch has {len(rows)}"
    raise ValueError(
        f"{name!r} got {length} rows and no ids, but {found}: give ids= (a list or tuple "
        "has one item a row)"
    )


def with_row_numbers(
    name: str, columns: Mapping[str, Column], ids: Ids, rows: Sequence[int]
) -> Mapping[str, Column]:
    """Beside ids that are texts the rows' numbers, in the column `row`: they say the order.

    A `.npy` file has one array only. ValueError if there is such a column already.
    """
    if not ids or not isinstance(ids[0], str) or Path(name).suffix == ".npy":
        return columns
    if "row" in columns:
        raise ValueError(
            f"{name!r}: column 'row' is the dataset's row number where ids are texts: rename it, "
            "or give ids=self.context.ids, which adds no column"
        )
    return {"row": torch.tensor(rows, dtype=torch.int64), **columns}
