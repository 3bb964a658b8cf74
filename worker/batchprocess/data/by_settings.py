"""The reader that a job asks for by its `spec.input`."""

from collections.abc import Callable
from functools import partial
from pathlib import PurePath

from batchprocess.data.csv_rows import csv
from batchprocess.data.file_rows import files
from batchprocess.data.index.packing.decoders import packing_of
from batchprocess.data.line_rows import jsonl, text
from batchprocess.data.parquet_rows import parquet
from batchprocess.data.row_dataset import RowDataset
from batchprocess.data.tar_rows import tar
from batchprocess.protocol.environment import InputSettings
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.inputs.listing import run_address

_WITH_COLUMNS: dict[str, Callable[..., RowDataset]] = {
    "csv": csv,
    "jsonl": jsonl,
    "parquet": parquet,
    "tar": tar,
    "tsv": partial(csv, delimiter="\t"),
}
_WHOLE: dict[str, Callable[..., RowDataset]] = {"text": text, "files": files}
_SUFFIXES = {
    ".csv": "csv",
    ".tar": "tar",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "text",
}


def reader_for(settings: InputSettings, run: str) -> RowDataset:
    """For the run at that address. InvalidArgument names the field that cannot be.

    Nothing is asked of the source yet.
    """
    reader = _reader(settings)
    if settings.new_since is not None:
        reader.leave_out_listed(run_address(settings.new_since, run))
    return reader


def _reader(settings: InputSettings) -> RowDataset:
    kind = settings.format or _by_suffix(settings.uri)
    if kind in _WITH_COLUMNS:
        return _WITH_COLUMNS[kind](settings.uri, columns=settings.columns, id=settings.id)
    if settings.id is not None:
        raise InvalidArgument(
            f"input.id: rows of format {kind} have no column of ids: leave it out, and they are "
            "called by file and number"
        )
    if settings.columns is not None:
        raise InvalidArgument(
            f"input.columns: rows of format {kind} have no columns to choose from: leave it out"
        )
    return _WHOLE[kind](settings.uri)


def _by_suffix(uri: str) -> str:
    path = PurePath(uri.rstrip("*"))  # *.jsonl* is of packed ones, too
    packed = packing_of(path.name) is not None
    suffix = (PurePath(path.stem) if packed else path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise InvalidArgument(
            f"input.format: {uri!r} has no suffix that says it ({', '.join(_SUFFIXES)}): give "
            f"one of {', '.join(sorted([*_WITH_COLUMNS, *_WHOLE]))}"
        )
    return _SUFFIXES[suffix]
