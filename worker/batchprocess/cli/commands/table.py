"""`batchprocess results --table`: the rows of a table, one file after the other, as one file."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from batchprocess.cli.commands.results import save
from batchprocess.cli.output import plural, print_json
from batchprocess.cli.target import find_target
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.results import Result, results_of
from batchprocess.runs.tables.table_files import files_of_table

FORMATS = (".parquet", ".jsonl", ".csv")
MAX_BATCH_ROWS = 1024


def write_table(target: str, name: str, output: Path, *, as_json: bool) -> None:
    """Write `output` whole or not at all: rows in dataset order, one file at a time on the disk.

    Each file's digest is compared with its record's first. Raises InvalidArgument for a table that
    is not there, and for a format that cannot hold it exactly; VerificationError as `save`.
    """
    if output.suffix not in FORMATS:
        raise InvalidArgument(f"-o {output} must end in one of {', '.join(FORMATS)}")
    if str(output).startswith("s3:/"):
        raise InvalidArgument(f"-o {output} must be on this machine: copy it from here")
    found = find_target(target)
    with closing(results_of(found.storage, found.run)) as results:
        suffix, files = files_of_table(results, name, found.run)
    partial = output.with_name(f".partial-{secrets.token_hex(8)}")
    try:
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=output.parent) as folder:
            copies = _copies(files, Path(folder))
            rows = _write(name, suffix, copies, partial, output.suffix)
        partial.replace(output)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InvalidArgument(f"{output} cannot be written: {reason}") from error
    finally:
        partial.unlink(missing_ok=True)
    if as_json:
        print_json({"uri": found.storage.uri, "files": len(files), "rows": rows})
    else:
        print(f"{output}: {plural(rows, 'row')} of {plural(len(files), 'file')}")


def _copies(files: list[Result], folder: Path) -> Iterator[Path]:
    """Each file in its turn, on the disk until the next one is asked for."""
    for one in files:
        path = save(one, folder)
        yield path
        path.unlink()


def _write(name: str, suffix: str, copies: Iterator[Path], to: Path, form: str) -> int:
    """How many rows were written."""
    if suffix == ".jsonl" == form:
        return _joined(copies, to)
    if suffix != ".parquet":
        raise InvalidArgument(
            f"table {name!r} is of {suffix} files, of which no {form} can be made: batchprocess "
            "results --download gives them as they are"
        )
    return _rewritten(name, copies, to, form)


def _joined(copies: Iterator[Path], to: Path) -> int:
    rows = 0
    with to.open("wb") as whole:
        for path in copies:
            with path.open("rb") as part:
                rows += sum(1 for _ in part)
                part.seek(0)
                shutil.copyfileobj(part, whole)
    return rows


def _rewritten(name: str, copies: Iterator[Path], to: Path, form: str) -> int:
    try:
        import pyarrow.parquet as pq

        from batchprocess.runs.tables.table_writers import WRITERS
    except ImportError as error:
        raise InvalidArgument("--table needs pyarrow: pip install pyarrow") from error
    writer, schema, rows = None, None, 0
    try:
        for path in copies:
            with pq.ParquetFile(path) as file:
                found = file.schema_arrow.remove_metadata()
                if writer is None:
                    writer, schema = WRITERS[form](to, found), found
                _require_same(found, schema, name)
                for batch in file.iter_batches(MAX_BATCH_ROWS):
                    writer.add(batch)
                    rows += len(batch)
    except BaseException:
        if writer is not None:
            writer.abandon()
        raise
    if writer is not None:
        writer.finish()
    return rows


def _require_same(found: Any, schema: Any, name: str) -> None:
    if found != schema:
        raise InvalidArgument(
            f"files of table {name!r} have other types than its first one, as in runs from before "
            "each table had one schema: batchprocess results --download"
        )
