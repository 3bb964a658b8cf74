"""The types of a table's columns, whichever format holds them."""

from collections.abc import Collection
from typing import Any, Protocol, Self

from batchprocess.protocol.tables.table_schema import TableSchema


class TypesDiffer(TypeError):
    """Rows are not of the table's types. `column` is None where they have other columns."""

    def __init__(
        self, column: str | None, new: str, known: str, place: tuple[str, ...] = ()
    ) -> None:
        super().__init__(f"column {column!r} has {new}, and {known} before")
        self.column, self.new, self.known, self.place = column, new, known, place


class TableTypes(Protocol):
    """Of all columns, `id` first. A column that has had no value so far may have none yet."""

    def joined(self, new: Self) -> Self:
        """These, and those of `new` where these have none yet; raises TypesDiffer."""

    def unknown(self) -> str | None:
        """A place in a column that has no type yet."""

    def document(self, name: str) -> TableSchema:
        """As it is kept in the run."""


def require_same_columns(new: Collection[Any], known: Collection[Any]) -> None:
    """Raise TypesDiffer unless the names are equal, in any order."""
    if set(new) != set(known):
        raise TypesDiffer(None, ", ".join(map(repr, new)), ", ".join(map(repr, known)))
