"""A dataset of Hugging Face's `datasets` as a reader."""

import hashlib
import json
import operator
from collections.abc import Sequence
from typing import Any, Final, SupportsIndex

from batchprocess.data.column_dataset import ColumnDataset
from batchprocess.data.rows.arrow_rows import ArrowRows
from batchprocess.data.rows.asked_columns import asked_columns
from batchprocess.data.rows.row_ids import RowId, check_id_column, checked_ids
from batchprocess.data.rows.row_numbers import row_numbers
from batchprocess.protocol.errors import InvalidArgument


def huggingface(
    dataset: Any, *, columns: Sequence[str] | None = None, id: str | None = None
) -> "HuggingFaceRows":
    """Rows of a `datasets.Dataset`, its columns as they are in Arrow: nothing is decoded.

    columns: those that are read. Default: all. id: the column whose value, a text or an integer, is
    the row's id. Default: `split:number`. Raises InvalidArgument for another kind of dataset, and
    for one with a format or a transform of its own, which Arrow's columns would pass by.
    """
    _refuse_other(dataset)
    has = tuple(dataset.column_names)
    names = asked_columns(columns) or has
    for name in names if id is None else (*names, id):
        if name not in has:
            raise InvalidArgument(
                f"the dataset has no column {name!r}; it has {', '.join(has)[:500]}"
            )
    check_id_column(id, names)
    return HuggingFaceRows(dataset, names, id)


class HuggingFaceRows(ColumnDataset):
    """Rows of a `datasets.Dataset`, as tables."""

    def __init__(self, dataset: Any, columns: tuple[str, ...], id: str | None) -> None:
        known = [str(dataset._fingerprint), columns, id]
        self._fingerprint: Final = hashlib.sha256(json.dumps(known).encode()).hexdigest()
        # Called as in `datasets`: it may differ for equal rows, and then the rows decide.
        self._split: Final = str(dataset.split or "row")
        self._table: Final = dataset.select_columns(list(columns)).with_format("arrow")
        self._id: Final = id

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, row: SupportsIndex) -> dict[str, Any]:
        return self.__getitems__([operator.index(row)])[0]

    def __getitems__(self, rows: Sequence[int]) -> ArrowRows:
        """As a table, whose columns are those of the dataset."""
        numbers = row_numbers(rows, len(self))
        if not numbers:
            raise IndexError("no rows were asked for")
        found = ArrowRows(self._table[numbers])
        if self._id is not None:
            self._ids_in(numbers, found)
        return found

    def row_ids(self, rows: Sequence[int]) -> list[RowId]:
        """`split:number`, or what the column `id` has."""
        numbers = row_numbers(rows, len(self))
        if self._id is None:
            return [f"{self._split}:{number}" for number in numbers]
        return self._ids_in(numbers, ArrowRows(self._table[numbers]))

    def file_of(self, row: int) -> str:  # noqa: ARG002
        """The split: which file it was is not known."""
        return self._split

    def _ids_in(self, numbers: list[int], found: ArrowRows) -> list[RowId]:
        def places() -> list[str]:
            return [f"{self._split}: row {number}" for number in numbers]

        column = str(self._id)
        return checked_ids(found.values(column), column, places)


def _refuse_other(dataset: Any) -> None:
    kind = f"{type(dataset).__module__}.{type(dataset).__qualname__}"
    if isinstance(dataset, dict):
        raise InvalidArgument(
            f"huggingface: this {kind} has splits: give one of them, {', '.join(map(str, dataset))}"
        )
    needed = ("with_format", "select_columns", "column_names", "_fingerprint", "format", "__len__")
    missing = [name for name in needed if not hasattr(dataset, name)]
    if missing:
        raise InvalidArgument(
            f"huggingface: a {kind} is no datasets.Dataset (it has no {missing[0]}); of a streamed "
            "one rows cannot be found by number: load it with streaming=False"
        )
    form = dataset.format
    if form["type"] not in (None, "arrow") or set(form["columns"]) != set(dataset.column_names):
        raise InvalidArgument(
            f"huggingface: the dataset has format {form['type']!r} for {form['columns']}, which "
            "would not be applied: give dataset.with_format(None), or the dataset without "
            "huggingface()"
        )
