"""`batchprocess results`."""

import hashlib
import itertools
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event, Lock

from batchprocess.cli.output import print_json_list
from batchprocess.cli.target import find_target
from batchprocess.protocol.errors import InvalidArgument, VerificationError
from batchprocess.protocol.file_names import stem_of_table_file
from batchprocess.protocol.records import CommittedFile
from batchprocess.runs.download import DOWNLOADS
from batchprocess.runs.parallel import Threads
from batchprocess.runs.patience import ATTENDED, Patience
from batchprocess.runs.results import Result, results_of
from batchprocess.runs.tables.table_files import MAX_SHOWN
from batchprocess.storage.spelling import other_spelling

_ONE_BY_ONE = Lock()
"""Files get their names so: two that a folder takes for one must see each other."""
_JOINED = (".parquet", ".jsonl")
"""Of which `--table` can make one file."""


def show_results(target: str, *, download: Path | None, as_json: bool) -> None:
    """List committed files in dataset order; copy them if asked."""
    found = find_target(target)
    with closing(results_of(found.storage, found.run)) as results:
        listed = results if download is None else _saved(results, download)
        if as_json:
            print_json_list({"uri": found.storage.uri}, "files", map(_row, listed))
        else:
            _print_lines(listed)


def _print_lines(results: Iterable[Result]) -> None:
    any_file, tables = False, dict[str, None]()
    for result in results:
        any_file = True
        table = stem_of_table_file(result.file.key)
        if table and result.file.key.endswith(_JOINED) and len(tables) < MAX_SHOWN:
            tables[table] = None
        first, end = result.rows
        rows = f"rows {first}-{end - 1}" if end > first else "end of shard"
        print(f"{result.shard:>5} {rows:<24} {result.file.size:>12} {place(result)}")
    if not any_file:
        print("no file is committed", file=sys.stderr)
    if tables:
        print(
            f"--table NAME -o FILE gives all rows of a table as one file; tables: "
            f"{', '.join(tables)}",
            file=sys.stderr,
        )


def _saved(results: Iterable[Result], folder: Path) -> Iterator[Result]:
    """Copy the files side by side, and give each in its turn once it is there."""

    def copy(result: Result, stopped: Event) -> Result:
        save(result, folder, ATTENDED.until(stopped))
        return result

    with Threads(DOWNLOADS) as threads:
        yield from threads.in_order(partial(copy, one, threads.stopped) for one in results)


def place(result: Result) -> str:
    """The file's full address."""
    return f"{result.storage.uri}/{result.file.key}"


def save(result: Result, folder: Path, patience: Patience = ATTENDED) -> Path:
    """Copy one file to `<folder>/<shard>/<seq>/<name>`, whole or not at all.

    Raises VerificationError for a file that is missing or not the one that was committed, or whose
    name was tampered with and would leave the folder; InvalidArgument if the folder cannot be
    written.
    """
    path = folder / f"{result.shard:05d}" / f"{result.seq:08d}" / result.file.name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise VerificationError(f"file name {result.file.name!r} would leave {folder}")
    chunks = result.chunks(patience)
    try:
        first = next(chunks, b"")
    except FileNotFoundError as error:
        raise VerificationError(f"{result.file.key} is missing; see batchprocess verify") from error
    try:
        _write(folder, path, itertools.chain([first], chunks), result.file)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InvalidArgument(f"{path} cannot be written: {reason}") from error
    return path


def _write(folder: Path, path: Path, chunks: Iterable[bytes], file: CommittedFile) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{secrets.token_hex(8)}")
    digest = hashlib.sha256()
    try:
        with partial.open("wb") as copy:
            for chunk in chunks:
                digest.update(chunk)
                copy.write(chunk)
        if digest.hexdigest() != file.sha256:
            raise VerificationError(
                f"{file.key} was changed: its digest is not the one in the ledger"
            )
        with _ONE_BY_ONE:
            if (other := other_spelling(folder, path)) is not None:
                raise InvalidArgument(
                    f"{path} and {other} are one file there: that file system does not tell such "
                    "names apart; download to another"
                )
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _row(result: Result) -> dict[str, object]:
    return {
        "shard": result.shard,
        "seq": result.seq,
        "batches": result.batches,
        "rows": result.rows,
        **result.file.model_dump(exclude={"statistics"}),
    }
