"""The schema of a table as Delta Lake writes it, where Delta has types for all of it."""

import base64
import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from batchprocess.ledger.read import ShardLedger
from batchprocess.ledger.tables.delta_log import DeltaTable, delta_tables, parquet_tables
from batchprocess.protocol.run import LAYOUT, RunInfo
from batchprocess.protocol.tables.table_schema import TableSchema
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.storage.base import Storage

_LOG = logging.getLogger("batchprocess")
_NOT_IN_NAMES = re.compile(r"[ ,;{}()\n\t=]")


def tables_with_logs(
    run: RunInfo,
    ledgers: Sequence[ShardLedger],
    storage: Storage,
    patience: Patience,
    *,
    wanted: bool,
) -> tuple[list[DeltaTable], dict[str, str]]:
    """As `delta_tables`; a line is logged for each table that cannot have what is `wanted`.

    None in runs without tables.
    """
    if run.layout != LAYOUT:
        return [], {}
    if not wanted:
        return [], dict.fromkeys(parquet_tables(ledgers), "spec.output.delta is false")
    tables, without = perform(delta_tables(ledgers, delta_schema), storage, patience)
    for stem, reason in without.items():
        _LOG.warning("table %s has no log of Delta Lake: %s", stem, reason)
    return tables, without


def delta_schema(kept: TableSchema) -> str:
    """Its `schemaString`; ValueError names the first column that Delta cannot hold, and why."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ValueError("there is no pyarrow where the run was finalized") from error
    if kept.arrow is None:
        raise ValueError("its schema is not of Arrow")
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(kept.arrow)))
    return json.dumps(_struct(schema, ()), separators=(",", ":"))


def _struct(fields: Any, place: tuple[str, ...]) -> dict[str, Any]:
    fields = list(fields)
    _check_names([field.name for field in fields], place)
    made = [
        {
            "name": field.name,
            "type": _type_of(field.type, (*place, field.name)),
            "nullable": True,
            "metadata": {},
        }
        for field in fields
    ]
    return {"type": "struct", "fields": made}


def _check_names(names: Sequence[str], place: tuple[str, ...]) -> None:
    for name in names:
        if not name or _NOT_IN_NAMES.search(name):
            raise ValueError(f"a column is called {'.'.join((*place, name))!r:.200}")
    twice = [name for name, times in Counter(map(str.lower, names)).items() if times > 1]
    if twice:
        raise ValueError(f"column {twice[0]!r:.200} is there in two spellings")


def _type_of(kind: Any, place: tuple[str, ...]) -> str | dict[str, Any]:
    from pyarrow import types

    if types.is_struct(kind):
        return _struct(kind, place)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = _type_of(kind.value_type, (*place, "[]"))
        return {"type": "array", "elementType": inner, "containsNull": True}
    if types.is_decimal128(kind) and 0 <= kind.scale <= kind.precision:
        return f"decimal({kind.precision},{kind.scale})"
    if types.is_timestamp(kind) and kind.unit in ("ms", "us") and kind.tz == "UTC":
        return "timestamp"
    for is_kind, name in _plain(types):
        if is_kind(kind):
            return name
    raise ValueError(f"column {'.'.join(place)!r:.200} is of type {kind!s:.200}")


def _plain(types: Any) -> Sequence[tuple[Callable[[Any], bool], str]]:
    return (
        (types.is_boolean, "boolean"),
        (types.is_int8, "byte"),
        (types.is_int16, "short"),
        (types.is_int32, "integer"),
        (types.is_int64, "long"),
        (types.is_uint8, "short"),
        (types.is_uint16, "integer"),
        (types.is_uint32, "long"),
        (types.is_float32, "float"),
        (types.is_float64, "double"),
        (types.is_string, "string"),
        (types.is_large_string, "string"),
        (types.is_binary, "binary"),
        (types.is_large_binary, "binary"),
        (types.is_date32, "date"),
    )
