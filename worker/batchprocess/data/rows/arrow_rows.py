"""Rows as a table of Arrow."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, overload

from batchprocess.protocol.errors import InvalidArgument

if TYPE_CHECKING:
    import pyarrow


class ArrowRows(Sequence[dict[str, Any]]):
    """Rows of one batch, as a table of Arrow; each by itself is a dict of Python's values."""

    def __init__(self, table: "pyarrow.Table") -> None:
        self.table: Final = table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, row: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, row: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, row: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(row, slice):
            found: list[dict[str, Any]] = self.table.take(list(range(len(self))[row])).to_pylist()
            return found
        (one,) = self.table.slice(range(len(self))[row], 1).to_pylist()
        return dict(one)

    def values(self, column: str) -> list[Any]:
        """Of a column, as Python's; InvalidArgument if there is none of that name."""
        if column not in self.table.column_names:
            has = ", ".join(self.table.column_names)[:500]
            raise InvalidArgument(f"id {column!r} is no column: there are {has}")
        return list(self.table.column(column).to_pylist())


def join_tables(tables: Sequence["pyarrow.Table"]) -> "pyarrow.Table":
    """One of all their rows; they may differ in the columns' order, and in what may be null.

    Raises InvalidArgument if a column has two types, or is not there in one of them.
    """
    import pyarrow as pa

    if len(tables) == 1:
        return tables[0]
    names = tables[0].column_names
    for table in tables:
        if set(table.column_names) != set(names):
            one = min({*names} ^ {*table.column_names})
            raise InvalidArgument(
                f"column {one!r} is in one part of the dataset only: name those that all have with "
                "columns="
            )
    alike = [table.select(names) for table in tables]
    try:
        return pa.concat_tables(alike, promote_options="default")
    except pa.ArrowTypeError as error:
        raise InvalidArgument(f"a column has two types in the dataset: {error}") from error
