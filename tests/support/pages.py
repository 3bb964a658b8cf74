"""Tables of the pages in docs/, and the words in which they spell our models' types."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from batchprocess.protocol.bad_rows.isolation import RaisedAlone, RaisedByBatch
from batchprocess.protocol.control import Indexed
from batchprocess.protocol.dry_run import InputChanges, Tried
from batchprocess.protocol.environment import InputSettings, S3Settings
from batchprocess.protocol.inputs.blocks import OpenPiece
from batchprocess.protocol.inputs.listing import ListedPart
from batchprocess.protocol.inputs.summary import (
    InputSummary,
    PackedHeads,
    SampleRow,
    UnreadableFile,
)
from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess.protocol.progress import ShardProgress
from batchprocess.protocol.records import (
    CommittedFile,
    KeptBadRows,
    MetricEntry,
    ReducerEntry,
)
from batchprocess.protocol.rows.settings import RowSettings
from batchprocess.protocol.run import (
    Asked,
    AskedRows,
    ListedRows,
    RunInfo,
    RunSeeds,
    RunShape,
    Seeds,
    SourceChange,
)
from batchprocess.protocol.spent import Spent
from batchprocess.protocol.tables.statistics import FileStatistics
from batchprocess.protocol.tables.table_schema import SchemaColumn
from batchprocess.protocol.termination import Result, ShardEnd

ROOT = Path(__file__).parents[2]
Row = tuple[str, ...]
_WORDS: dict[Any, str] = {
    int: "integer",
    str: "text",
    float: "number",
    bool: "boolean",
    Any: "anything",
    Asked: "asked",
    RunInfo: "run.json",
    RunSeeds: "run seeds",
    RunShape: "run shape",
    SourceChange: "source change",
    Seeds: "seeds",
    Spent: "time spent",
    CommittedFile: "file",
    FileStatistics: "file statistics",
    ReducerEntry: "reducer value",
    SchemaColumn: "schema column",
    KeptBadRows: "kept bad rows",
    RaisedAlone: "raised alone",
    RaisedByBatch: "raised by batch",
    MetricEntry: "metric",
    ShardProgress: "shard progress",
    ShardEnd: "shard end",
    Result: "result",
    ListedPart: "listed part",
    OpenPiece: "open piece",
    Indexed: "indexed",
    InputChanges: "input changes",
    InputSummary: "input summary",
    SampleRow: "sample row",
    UnreadableFile: "unreadable file",
    PackedHeads: "packed heads",
    Tried: "tried",
    InputSettings: "input settings",
    RowSettings: "row settings",
    AskedRows: "asked rows",
    ListedRows: "listed rows",
    S3Settings: "S3 settings",
    tuple[int, int]: "span",
}


def read_page(name: str) -> str:
    """A page below docs/."""
    return (ROOT / "docs" / name).read_text()


def section(page: str, heading: str) -> str:
    """What stands under one heading, up to the next of any level; its number does not count."""
    pattern = rf"^#+ (?:\d+\. )?{re.escape(heading)}\n(.*?)(?=^#|\Z)"
    (found,) = re.findall(pattern, page, flags=re.MULTILINE | re.DOTALL)
    return str(found)


def table(page: str, heading: str, number: int = 0) -> list[Row]:
    """The rows of a table under a heading, without its head, backticks around a cell taken off."""
    blocks = re.findall(r"(?:^\|.*\n)+", section(page, heading), flags=re.MULTILINE)
    return [_cells(line) for line in blocks[number].splitlines()[2:]]


def columns(rows: Sequence[Row], *numbers: int) -> list[Row]:
    """Some columns of a table."""
    return [tuple(row[number] for number in numbers) for row in rows]


def rows_of(model: type[BaseModel], *without: str) -> list[Row]:
    """Field, type and default of every field, as a table has them."""
    return [
        (name, wire_type(field.annotation, field.metadata), default_of(field))
        for name, field in model.model_fields.items()
        if name not in without
    ]


def default_of(field: FieldInfo) -> str:
    """As JSON; `required` if there is none."""
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return json.dumps(default.model_dump() if isinstance(default, BaseModel) else default)


def wire_type(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """A field's type in the words of the pages."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return wire_type(arguments[0], getattr(arguments[1], "metadata", arguments[1:]))
    if origin in (Union, UnionType):
        inner = [wire_type(one, metadata) for one in arguments if one is not NoneType]
        return " or ".join([*inner, *(["null"] if NoneType in arguments else [])])
    if origin is Literal:
        return " or ".join(json.dumps(one) for one in arguments)
    if origin is dict:
        return "object"
    if origin is tuple and annotation not in _WORDS:
        most = [f" of at most {one.max_length:,}" for one in metadata if isinstance(one, MaxLen)]
        return f"list{''.join(most)}: {wire_type(arguments[0])}"
    return _integer(metadata) if annotation is int else _WORDS[annotation]


def _integer(metadata: Sequence[Any]) -> str:
    least = next((one.ge for one in metadata if isinstance(one, Ge)), None)
    most = next((one.le for one in metadata if isinstance(one, Le)), None)
    if most == MAX_COUNT:
        return "count" if least == 0 else f"count from {least}"
    if most is not None:
        return f"integer {least} to {most:,}"
    return "integer" if least is None else f"integer from {least}"


def _cells(line: str) -> Row:
    cells = (cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|")))
    return tuple(cell[1:-1] if re.fullmatch(r"`[^`]*`", cell) else cell for cell in cells)
