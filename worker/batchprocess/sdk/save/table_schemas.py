"""What an attempt knows of its run's schemas: one for each name, whoever's batch came first.

A batch's types must equal them, and not merely fit: else it would depend on the order of batches,
shards and attempts which of them are refused.
"""

import contextlib
import functools
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from batchprocess.protocol.errors import SchemaDiffers
from batchprocess.protocol.tables.table_schema import MAX_TABLES, TableSchema
from batchprocess.sdk.save.formats.table_types import TableTypes, TypesDiffer
from batchprocess.sdk.save.formats.tensor_types import TensorType, TensorTypes

_KNOWN_TYPES = 64
_NO_VALUES: Mapping[str, Any] = MappingProxyType({})


class Columns(Protocol):
    """Of a batch or a file, for an error to name a value of one."""

    def get(self, key: str, /) -> Any:
        """The column, None if it is of no use here."""


def types_of(name: str, id_type: TensorType | None, columns: Mapping[str, Any]) -> TableTypes:
    """Of one batch: columns as `checked_rows` gives them, arrays of Arrow or (dtype, shape)."""
    if not name.endswith(".parquet"):
        tensors = {key: TensorType(*one) for key, one in columns.items()}
        return TensorTypes({"id": id_type, **tensors})
    return _in_parquet(
        id_type,
        tuple((key, one if isinstance(one, tuple) else one.type) for key, one in columns.items()),
    )


@functools.lru_cache(_KNOWN_TYPES)
def _in_parquet(id_type: TensorType | None, columns: tuple[tuple[str, Any], ...]) -> TableTypes:
    """Arrow's own objects take some microseconds each, and batch after batch has the same."""
    import pyarrow as pa

    from batchprocess.sdk.save.formats.arrow_schema import ArrowTypes, type_of_tensor

    fields = [("id", pa.null() if id_type is None else type_of_tensor(*id_type))]
    for key, one in columns:
        fields.append((key, type_of_tensor(*one) if isinstance(one, tuple) else one))
    return ArrowTypes(pa.schema(fields))


def types_in(document: TableSchema) -> TableTypes:
    """Those that the run has kept."""
    if not document.name.endswith(".parquet"):
        return TensorTypes.of_document(document)
    from batchprocess.sdk.save.formats.arrow_schema import ArrowTypes

    return ArrowTypes.of_document(document)


class TableSchemas:
    """Used by the callers of save and by the commit. Not `enforced` in runs from before there were
    any, whose files have the types of their own rows."""

    def __init__(self, *, enforced: bool = True) -> None:
        self.enforced = enforced
        self._lock = threading.Lock()
        self._types: dict[str, TableTypes] = {}
        self._digests: dict[str, str] = {}

    def begin(self, *, enforced: bool, kept: Mapping[str, tuple[TableSchema, str]]) -> None:
        """The run is known now, and what it has kept so far: schemas and their digests."""
        self.enforced = enforced
        for schema, digest in kept.values():
            self.keep(schema.name, types_in(schema), digest)

    def expect(self, name: str, new: TableTypes, columns: Mapping[str, Any]) -> None:
        """Add a batch's types to what is known; SchemaDiffers if they are others."""
        with self._lock:
            self._types[name] = self._joined(name, new, columns)

    def require(self, name: str, new: TableTypes, columns: Mapping[str, Any]) -> None:
        """Raise as `expect`, and change nothing: whether the batch will count is not known yet."""
        with self._lock:
            self._joined(name, new, columns)

    def _joined(self, name: str, new: TableTypes, columns: Mapping[str, Any]) -> TableTypes:
        known = self._types.get(name)
        if known is None and len(self._types) >= MAX_TABLES:
            raise SchemaDiffers(
                f"{name!r} would be the {MAX_TABLES + 1}th name of files in this run, and a "
                f"run has at most {MAX_TABLES}: save all batches under one name"
            )
        try:
            return new.joined(new) if known is None else known.joined(new)
        except TypesDiffer as error:
            kept = name in self._digests
            raise SchemaDiffers(_sentence(name, error, columns, kept=kept)) from None

    def expected(self) -> Mapping[str, TableTypes]:
        """The types of all tables so far; later batches do not change it."""
        with self._lock:
            return dict(self._types)

    def expect_again(self, expected: Mapping[str, TableTypes]) -> None:
        """Forget types that came since, of batches that do not count; what the run has stays."""
        with self._lock:
            of_run = {name: self._types[name] for name in self._digests}
            self._types = {**expected, **of_run}

    def of(self, name: str) -> TableTypes:
        """All that is known."""
        with self._lock:
            return self._types[name]

    def digest(self, name: str) -> str | None:
        """Of the run's schema; None as long as it is not known to have one."""
        return self._digests.get(name)

    def keep(
        self,
        name: str,
        of_run: TableTypes,
        digest: str,
        mine: TableTypes | None = None,
        values: Columns = _NO_VALUES,
    ) -> None:
        """From now on `of_run` are the run's; SchemaDiffers if `mine`, of a commit, are others."""
        with self._lock:
            try:
                of_run.joined(of_run if mine is None else mine)
            except TypesDiffer as error:
                raise SchemaDiffers(_sentence(name, error, values, kept=True)) from None
            # Batches saved since may have others: then the commit of those says so.
            with contextlib.suppress(TypesDiffer):
                self._types[name] = of_run.joined(self._types.get(name, of_run))
                self._digests[name] = digest


def unknown_type(name: str, place: str) -> SchemaDiffers:
    """What to say where a commit has no value in a column, and nobody has had one before."""
    column = place.partition("[")[0].partition(".")[0]
    return SchemaDiffers(
        f"{name!r}: column {place!r} has no value until this checkpoint, so it has no type yet: "
        f"say which, by context.save(..., schema={{{column!r}: 'float32'}}) for instance"
    )


def _sentence(name: str, error: TypesDiffer, columns: Columns, *, kept: bool) -> str:
    before = "in this run" if kept else "in batches before"
    other = "another name; a table with other types is another run's (--fresh, or a new runId)"
    if error.column is None:
        return (
            f"{name!r} has columns {error.new} here, and {error.known} {before}: give every batch "
            f"the same columns, or save it under {other}"
        )
    column = (error.place or (error.column,))[0]
    remedy = "" if kept else f"say by schema={{{column!r}: ...}} what all batches have, "
    return (
        f"{name!r}: column {error.column!r} has {error.new} here{_value(error, columns)}, and "
        f"{error.known} {before}: convert it, {remedy}or save it under {other}"
    )


def _value(error: TypesDiffer, columns: Columns) -> str:
    key = (error.place or (error.column,))[0]
    array = getattr(columns.get(str(key)), "array", None)
    if array is None or not error.place:
        return ""
    from batchprocess.sdk.save.formats.arrow_types import example_at

    return f" (a value is {example_at(error.place, array)})"
