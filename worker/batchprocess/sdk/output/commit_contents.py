"""What one commit holds, from its cut until it is durable."""

import shutil
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from batchprocess.ledger.draft import Draft, StagedBadRows, StagedReducer
from batchprocess.ledger.effects import Staged
from batchprocess.protocol.bad_rows import BadRow, encode_bad_rows
from batchprocess.protocol.records import MetricEntry, Span, digest
from batchprocess.protocol.spent import Spent
from batchprocess.protocol.tables.statistics import MAX_STATISTICS_BYTES, FileStatistics
from batchprocess.sdk.output.upload_files import describe
from batchprocess.sdk.save.formats.kept_statistics import kept_statistics
from batchprocess.sdk.save.formats.table_types import TableTypes
from batchprocess.sdk.save.held_rows import SavedFiles

_NO_SCHEMAS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class CommitContents:
    """What one commit or seal will hold; digests are taken later, in the background.

    `in_folders`: whether files of `save` have a folder for each name, outside `data/`.
    """

    batches: Span
    rows: Span
    files: dict[str, Path]
    saved: SavedFiles | None
    spent: Spent | None
    reducers: tuple[StagedReducer, ...]
    metrics: tuple[MetricEntry, ...]
    models: tuple[dict[str, str], ...]
    bad_rows: tuple[BadRow, ...] = ()
    in_folders: bool = True

    def draft(self, schemas: Mapping[str, str] = _NO_SCHEMAS) -> Draft:
        """The draft for the ledger; waits for the encoder and reads every file for its digest.

        `schemas`: digests of those of the tables, as `AgreedSchemas` gives them.
        """
        saved = self._saved_paths()
        files, tables = (self.files, saved) if self.in_folders else (self.files | saved, {})
        return Draft(
            self.batches,
            self.rows,
            files=_described(files),
            tables=tuple(_with_statistics(tables)),
            reducers=self.reducers,
            metrics=self.metrics,
            models=self.models,
            spent=self.spent,
            bad_rows=self._staged_bad_rows(),
            schemas=schemas,
        )

    def _staged_bad_rows(self) -> StagedBadRows | None:
        if not self.bad_rows:
            return None
        body = encode_bad_rows(self.bad_rows)
        skipped = sum(one.stage == "skipped" for one in self.bad_rows)
        staged = Staged(body, len(body), digest(body))
        return StagedBadRows(len(self.bad_rows) - skipped, staged, skipped)

    def tables(self) -> Iterator[tuple[str, Path, TableTypes]]:
        """Files that have a schema in the run; waits for the encoder."""
        if self.saved is None:
            return
        files = self.saved.files.result()
        for name, types in sorted(self.saved.types.items()):
            if name in files:
                yield name, files[name], types

    def discard(self) -> None:
        """Remove the local copies: the commit is durable."""
        # With the folder of the block or interval, which holds nothing else.
        folders = {path.parents[name.count("/")] for name, path in self.paths().items()}
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def paths(self) -> dict[str, Path]:
        """Where the files are, by name; waits for the encoder."""
        return self.files | self._saved_paths()

    def _saved_paths(self) -> dict[str, Path]:
        return {} if self.saved is None else self.saved.files.result()


def _described(paths: dict[str, Path]) -> tuple[tuple[str, Staged], ...]:
    return tuple((name, describe(path)) for name, path in sorted(paths.items()))


def _with_statistics(tables: dict[str, Path]) -> Iterator[tuple[str, Staged]]:
    """With as many statistics as a record has room for; how many rows there are is always told."""
    left = MAX_STATISTICS_BYTES
    for name, staged in _described(tables):
        told = kept_statistics(tables[name])
        size = 0 if told is None else len(told.model_dump_json().encode())
        if told is not None and size > left:
            told, size = FileStatistics(rows=told.rows), 0
        left -= size
        yield name, replace(staged, statistics=told)


def check_names(files: Set[str], saved: Set[str]) -> None:
    """Raise ValueError if files of `upload_path()` and of `save()` are in each other's way."""
    if twice := saved & files:
        raise ValueError(
            f"file {min(twice)!r} was written by upload_path() and by save() between two "
            "checkpoints: give one of them another name"
        )
    if both := (files & _folders(saved)) | (saved & _folders(files)):
        raise ValueError(
            f"{min(both)!r} was written as a file and as a folder between two checkpoints: "
            "rename one"
        )


def _folders(names: Set[str]) -> set[str]:
    return {str(parent) for name in names for parent in PurePosixPath(name).parents}
