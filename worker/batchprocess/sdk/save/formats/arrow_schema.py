"""Types of the columns of `.parquet`: a schema of Arrow, in which what has had no value is null."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.tables.table_schema import SchemaColumn, TableSchema, schema_key
from batchprocess.sdk.save.formats.arrow_types import NoCommonType, Place, as_text
from batchprocess.sdk.save.formats.table_types import TypesDiffer, require_same_columns

_NUMBERS = {"bfloat16": pa.float32(), "bool": pa.bool_()}
"""As torch calls them; all others are called alike by Arrow."""


@dataclass(frozen=True)
class ArrowTypes:
    """See `TableTypes`."""

    schema: Any

    @classmethod
    def of_document(cls, document: TableSchema) -> Self:
        """As it was kept; VerificationError if it cannot be read."""
        try:
            body = base64.b64decode(document.arrow or "", validate=True)
            return cls(pa.ipc.read_schema(pa.py_buffer(body)))
        except (ValueError, OSError) as error:
            key = schema_key(document.name)
            raise VerificationError(f"{key}: no schema of Arrow can be read: {error}") from error

    def joined(self, new: "ArrowTypes") -> "ArrowTypes":
        """See `TableTypes`."""
        require_same_columns(new.schema.names, self.schema.names)
        if self.schema == new.schema:
            return self
        return ArrowTypes(pa.schema([_joined(one, new.schema) for one in self.schema]))

    def unknown(self) -> str | None:
        """See `TableTypes`."""
        found = (untyped_place((field.name,), field.type) for field in self.schema)
        return next((as_text(one)[1:-1] for one in found if one is not None), None)

    def document(self, name: str) -> TableSchema:
        """See `TableTypes`."""
        columns = (SchemaColumn(name=one.name, type=str(one.type)) for one in self.schema)
        arrow = base64.b64encode(self.schema.serialize().to_pybytes()).decode()
        return TableSchema(name=name, columns=tuple(columns), arrow=arrow)


def type_of_tensor(dtype: str, shape: Iterable[int]) -> Any:
    """As Parquet has a tensor whose rows have this shape."""
    kind = _NUMBERS.get(dtype) or pa.type_for_alias(dtype)
    for size in reversed(tuple(shape)):
        # Lists of a fixed length of nothing are written, and no reader reads them.
        kind = pa.list_(kind, size) if size else pa.list_(kind)
    return kind


def untyped_place(place: Place, kind: Any) -> Place | None:
    """Where a type has nothing but nulls, or dicts without any key."""
    if pa.types.is_null(kind) or (pa.types.is_struct(kind) and not kind.num_fields):
        return place
    step = ("[]",) if pa.types.is_list(kind) else ()
    fields = (kind.field(number) for number in range(_fields_of(kind)))
    found = (untyped_place((*place, *(step or (field.name,))), field.type) for field in fields)
    return next((one for one in found if one is not None), None)


def _fields_of(kind: Any) -> int:
    return int(kind.num_fields) if pa.types.is_nested(kind) else 0


def _joined(known: Any, new: Any) -> Any:
    place = (known.name,)
    try:
        return pa.field(known.name, _filled(place, known.type, new.field(known.name).type))
    except NoCommonType as error:
        column = as_text(error.place)[1:-1]
        raise TypesDiffer(column, str(error.new), str(error.known), error.place) from None


def _filled(place: Place, known: Any, new: Any) -> Any:
    """The known type; where it is null, the new one. Raises NoCommonType if they differ."""
    if known == new or pa.types.is_null(new):
        return known
    if pa.types.is_null(known):
        return new
    if pa.types.is_list(known) and pa.types.is_list(new):
        return pa.list_(_filled((*place, "[]"), known.value_type, new.value_type))
    if pa.types.is_struct(known) and pa.types.is_struct(new):
        return _filled_struct(place, known, new)
    raise NoCommonType(place, known, new)


def _filled_struct(place: Place, known: Any, new: Any) -> Any:
    types = {field.name: field.type for field in new}
    if types.keys() != {field.name for field in known}:
        raise NoCommonType(place, known, new)
    fields = [
        pa.field(field.name, _filled((*place, field.name), field.type, types[field.name]))
        for field in known
    ]
    return pa.struct(fields)
