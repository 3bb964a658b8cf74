"""A batch of the readers' rows: a column for each key."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from batchprocess.data.column_dataset import ColumnDataset
from batchprocess.data.rows.arrow_rows import ArrowRows
from batchprocess.sdk.input.column_batch import ColumnBatch

_MAX_INT = 2**63 - 1


def collate_of(dataset: Any) -> Callable[[Sequence[Any]], Any] | None:
    """How batches of a dataset are made if its user does not say; None: torch's way."""
    return columns if isinstance(dataset, ColumnDataset) else None


def columns(rows: Sequence[dict[str, Any]]) -> ColumnBatch:
    """A mapping from each key of any row to its values, in order; a row without it has None.

    A tensor where all values are Python's numbers (int64, float64 or bool, one kind) or arrays or
    tensors of one dtype and shape; everything else, None among numbers too, is a list of what the
    rows hold. Of a Parquet file the column's type decides: numbers and lists of numbers without a
    null, lists all of one length, are a tensor of that type.
    """
    if isinstance(rows, ArrowRows):
        return ColumnBatch.of_table(rows.table)
    names: dict[str, None] = {}
    for row in rows:
        names |= dict.fromkeys(row)
    held = {name: [row.get(name) for row in rows] for name in names}
    made = {name: _column(values) for name, values in held.items()}
    # What is stacked is not held twice.
    kept = (
        name for name, one in made.items() if isinstance(one, list) or not _is_stacked(held[name])
    )
    return ColumnBatch(made, {name: list(held[name]) for name in kept})


def _is_stacked(values: list[Any]) -> bool:
    return isinstance(values[0], torch.Tensor | np.ndarray)


def _column(values: list[Any]) -> Any:
    kinds = set(map(type, values))
    if len(kinds) != 1:
        return values
    (kind,) = kinds
    if kind is bool or kind is float:
        return torch.tensor(values) if kind is bool else torch.tensor(values, dtype=torch.float64)
    if kind is int:
        exact = min(values) >= -_MAX_INT - 1 and max(values) <= _MAX_INT
        return torch.tensor(values, dtype=torch.int64) if exact else values
    if issubclass(kind, torch.Tensor):
        return torch.stack(values) if _alike(values) else values
    if kind is np.ndarray and _alike(values) and _is_of_torch(values[0].dtype):
        return torch.from_numpy(np.stack(values))
    return values


def _alike(values: list[Any]) -> bool:
    return len({(value.shape, value.dtype) for value in values}) == 1


def _is_of_torch(dtype: "np.dtype[Any]") -> bool:
    """Texts, dates, objects and numbers of the other byte order are no tensors."""
    return (
        dtype.isnative
        and dtype.kind in "biufc"
        and dtype.itemsize <= 16
        and (dtype.str[1:] not in ("f16", "c32"))
    )
