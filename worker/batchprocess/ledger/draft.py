"""What an attempt hands over for a commit, and how a record names it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from batchprocess.ledger.effects import Staged
from batchprocess.protocol.file_names import bad_rows_key, reducer_key, table_key
from batchprocess.protocol.records import (
    CommittedFile,
    KeptBadRows,
    MetricEntry,
    ReducerEntry,
    Span,
    data_prefix,
)
from batchprocess.protocol.spent import Spent


@dataclass(frozen=True, slots=True)
class StagedReducer:
    """A reducer's value at the boundary; `staged` instead of `value` when it is large."""

    entry: ReducerEntry
    staged: Staged | None = None


@dataclass(frozen=True, slots=True)
class StagedBadRows:
    """Rows that were left out, as lines of JSON: `count` bad ones, and `skipped` by hand."""

    count: int
    staged: Staged
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a commit or seal will say, before it has a number.

    `batches` is shard-local, `rows` are positions of the run, both half-open; `files` maps checked
    names to staged bytes, and so do `tables`, which stand in the folders of their names;
    `schemas` are the digests of their schemas, by name.
    """

    batches: Span
    rows: Span
    files: tuple[tuple[str, Staged], ...] = ()
    tables: tuple[tuple[str, Staged], ...] = ()
    reducers: tuple[StagedReducer, ...] = ()
    metrics: tuple[MetricEntry, ...] = ()
    models: tuple[dict[str, str], ...] = ()
    spent: Spent | None = None
    bad_rows: StagedBadRows | None = None
    schemas: Mapping[str, str] = field(default_factory=dict)

    def bad_rows_after(self, before: int) -> int:
        """Bad rows of the shard once this is committed, if it had so many before."""
        return before + (0 if self.bad_rows is None else self.bad_rows.count)


@dataclass(frozen=True, slots=True)
class Place:
    """Of the record that is to name a draft's files: its number and nonce are in their keys."""

    shard: int
    seq: int
    nonce: str

    @property
    def prefix(self) -> str:
        """The folder of all files but those of tables."""
        return data_prefix(self.shard, self.seq, self.nonce)

    def keys(self, draft: Draft) -> Iterator[tuple[str, str, Staged]]:
        """Name, key and bytes of each file."""
        for name, staged in draft.files:
            yield name, self.prefix + name, staged
        for name, staged in draft.tables:
            yield name, table_key(name, self.shard, self.seq, self.nonce), staged


def body_of(draft: Draft, place: Place, bad_rows_before: int) -> dict[str, object]:
    """The fields of a record at `place` that names `draft`'s files."""
    prefix = place.prefix
    return {
        "batches": draft.batches,
        "rows": draft.rows,
        "files": tuple(_named(name, key, staged) for name, key, staged in place.keys(draft)),
        "reducers": tuple(_reducer(one, prefix, i) for i, one in enumerate(draft.reducers)),
        "metrics": draft.metrics,
        "models": draft.models,
        "spent": draft.spent,
        "bad_rows": _bad_rows(draft, prefix, bad_rows_before),
        "schemas": dict(draft.schemas),
    }


def uploads_of(draft: Draft, place: Place) -> tuple[tuple[str, Staged], ...]:
    """Keys, and what is to be written there."""
    files = tuple((key, staged) for _, key, staged in place.keys(draft))
    values = tuple(
        (reducer_key(place.prefix, number), one.staged)
        for number, one in enumerate(draft.reducers)
        if one.staged is not None
    )
    bad = draft.bad_rows
    return files + values + (() if bad is None else ((bad_rows_key(place.prefix), bad.staged),))


def _bad_rows(draft: Draft, prefix: str, before: int) -> KeptBadRows | None:
    """Absent while the shard has none: its records are then what they always were."""
    total, bad = draft.bad_rows_after(before), draft.bad_rows
    if bad is None:
        return KeptBadRows(count=0, total=total) if total else None
    key = bad_rows_key(prefix)
    named = _named(key.rpartition("/")[2], key, bad.staged)
    return KeptBadRows(count=bad.count, total=total, skipped=bad.skipped, object=named)


def _named(name: str, key: str, staged: Staged) -> CommittedFile:
    return CommittedFile(
        name=name,
        key=key,
        size=staged.size,
        sha256=staged.sha256,
        statistics=staged.statistics,
    )


def _reducer(one: StagedReducer, prefix: str, number: int) -> ReducerEntry:
    if one.staged is None:
        return one.entry
    key = reducer_key(prefix, number)
    return one.entry.model_copy(update={"object": _named(one.entry.name, key, one.staged)})
