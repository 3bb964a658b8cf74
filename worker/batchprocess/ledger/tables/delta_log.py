"""Version 0 of a table's log of Delta Lake: a pure function of the records and the run's name.

Written once the ledgers are sealed and checked, so that whoever repeats it writes the same bytes.
If we die between two tables, the next finalizer goes on; `_SUCCESS` comes behind them all.
"""

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from batchprocess.ledger.create import create_staged
from batchprocess.ledger.effects import Flow, Stage, Staged
from batchprocess.ledger.read import ShardLedger
from batchprocess.ledger.tables.table_schemas import read_schema
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.file_names import delta_key, stem_of_table_file
from batchprocess.protocol.records import CommittedFile
from batchprocess.protocol.run import parse_time
from batchprocess.protocol.tables.statistics import FileStatistics
from batchprocess.protocol.tables.table_schema import TableSchema

DeltaSchema = Callable[[TableSchema], str]
"""A schema as Delta writes it; ValueError says why Delta has none like it."""
_SUFFIX = ".parquet"
_BOUNDLESS = frozenset({"array", "binary"})
"""Types of columns that nobody has bounds of."""


@dataclass(frozen=True, slots=True)
class DeltaTable:
    """A table that can have a log; `schema` is its `schemaString`."""

    stem: str
    schema: str


def delta_tables(
    ledgers: Sequence[ShardLedger], of: DeltaSchema
) -> Flow[tuple[list[DeltaTable], dict[str, str]]]:
    """The Parquet tables of a run, and of those that cannot have a log the reason, by name."""
    tables, without = [], {}
    for stem, suffixes in sorted(_stems(ledgers).items()):
        if _SUFFIX not in suffixes:
            continue
        kept = yield from read_schema(stem + _SUFFIX)
        if len(suffixes) > 1 or kept is None:
            several = f"it has files of {' and '.join(sorted(suffixes))}"
            without[stem] = "the run has no schema of it" if kept is None else several
            continue
        try:
            tables.append(DeltaTable(stem, of(kept.schema)))
        except ValueError as error:
            without[stem] = str(error)
    return tables, without


def parquet_tables(ledgers: Sequence[ShardLedger]) -> list[str]:
    """Stems of the tables that have files of Parquet."""
    return [stem for stem, suffixes in sorted(_stems(ledgers).items()) if _SUFFIX in suffixes]


def write_logs(
    run_id: str, tables: Sequence[DeltaTable], ledgers: Sequence[ShardLedger]
) -> Flow[None]:
    """Create each table's log; VerificationError if there is one already that says otherwise."""
    for table in tables:
        staged: Staged = yield Stage(partial(log_lines, run_id, table, ledgers))
        if not (yield from create_staged(delta_key(table.stem), staged)):
            raise VerificationError(
                f"{delta_key(table.stem)} exists and differs from what the ledgers say"
            )


def log_lines(run_id: str, table: DeltaTable, ledgers: Sequence[ShardLedger]) -> Iterator[bytes]:
    """The actions of version 0, a line each; files in the order of the manifest."""
    yield _line({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
    yield _line(
        {
            "metaData": {
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"batchprocess:{run_id}/{table.stem}")),
                "name": table.stem,
                "format": {"provider": "parquet", "options": {}},
                "schemaString": table.schema,
                "partitionColumns": [],
                "configuration": {},
            }
        }
    )
    kinds = _kinds(table.schema)
    for ledger in ledgers:
        for body in ledger.bodies:
            at = _milliseconds(parse_time(body.at))
            for file in body.files:
                if stem_of_table_file(file.key) == table.stem:
                    yield _line({"add": _added(file, at, kinds)})


def _stems(ledgers: Sequence[ShardLedger]) -> dict[str, set[str]]:
    """Suffixes of each table's files."""
    found: dict[str, set[str]] = {}
    for ledger in ledgers:
        for body in ledger.bodies:
            for file in body.files:
                if (stem := stem_of_table_file(file.key)) is not None:
                    found.setdefault(stem, set()).add(f".{file.name.rpartition('.')[2]}")
    return found


def _kinds(schema: str) -> dict[str, str]:
    """Of each column, in Delta's words: `long`, `string`, `struct`, `array`."""
    types = {field["name"]: field["type"] for field in json.loads(schema)["fields"]}
    return {name: kind if type(kind) is str else kind["type"] for name, kind in types.items()}


def _added(file: CommittedFile, at: int, kinds: dict[str, str]) -> dict[str, Any]:
    added = {
        "path": file.key.rpartition("/")[2],
        "partitionValues": {},
        "size": file.size,
        "modificationTime": at,
        "dataChange": True,
    }
    return added if file.statistics is None else {**added, "stats": _stats(file.statistics, kinds)}


def _stats(known: FileStatistics, kinds: dict[str, str]) -> str:
    told: dict[str, Any] = {"numRecords": known.rows}
    # Of a struct Delta has a count for each of its fields, and a number there ends its readers.
    nulls = {name: known.nulls[name] for name in known.nulls if kinds.get(name) != "struct"}
    # deltalake 1.6 finds no row by a column without bounds, if other columns have some.
    if known.least and all(name in known.least for name in kinds if kinds[name] not in _BOUNDLESS):
        told |= {"minValues": known.least, "maxValues": known.greatest}
    if nulls:
        told["nullCount"] = nulls
    return json.dumps(told, separators=(",", ":"))


def _milliseconds(at: datetime | None) -> int:
    """0 for a time that nobody can read: it is information only."""
    return 0 if at is None else int(at.timestamp() * 1000)


def _line(action: dict[str, Any]) -> bytes:
    return json.dumps(action, separators=(",", ":")).encode() + b"\n"
