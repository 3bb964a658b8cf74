"""Types of the columns of `.npy` and `.safetensors`: a dtype and the shape of a row each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from batchprocess.protocol.tables.table_schema import SchemaColumn, TableSchema
from batchprocess.sdk.save.formats.table_types import TypesDiffer, require_same_columns


class TensorType(NamedTuple):
    """Of one column."""

    dtype: str
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}" if self.shape else self.dtype


@dataclass(frozen=True)
class TensorTypes:
    """See `TableTypes`. Only the ids of no rows have no type."""

    columns: Mapping[str, TensorType | None]

    @classmethod
    def of_document(cls, schema: TableSchema) -> Self:
        """As it was kept."""
        return cls({one.name: TensorType(one.type, one.shape or ()) for one in schema.columns})

    def joined(self, new: "TensorTypes") -> "TensorTypes":
        """See `TableTypes`."""
        require_same_columns(new.columns, self.columns)
        for name, known in self.columns.items():
            other = new.columns[name]
            if None not in (known, other) and known != other:
                raise TypesDiffer(name, str(other), str(known))
        return TensorTypes({name: new.columns[name] or one for name, one in self.columns.items()})

    def unknown(self) -> str | None:
        """See `TableTypes`."""
        return next((name for name, one in self.columns.items() if one is None), None)

    def document(self, name: str) -> TableSchema:
        """See `TableTypes`."""
        columns = [
            SchemaColumn(name=column, type=one.dtype, shape=one.shape)
            for column, one in self.columns.items()
            if one is not None
        ]
        return TableSchema(name=name, columns=tuple(columns))
