"""What an attempt hands over for a commit, and how a record names it. Pure."""

from dataclasses import dataclass

from batchprocess.ledger.effects import Staged
from batchprocess.protocol.file_names import reducer_key
from batchprocess.protocol.records import CommittedFile, MetricEntry, ReducerEntry, Span
from batchprocess.protocol.spent import Spent


@dataclass(frozen=True, slots=True)
class StagedReducer:
    """A reducer's value at the boundary; `staged` instead of `value` when it is large."""

    entry: ReducerEntry
    staged: Staged | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a commit or seal will say, before it has a number.

    `batches` is shard-local, `rows` dataset-wide, both half-open; `files` maps checked names to
    staged bytes.
    """

    batches: Span
    rows: Span
    files: tuple[tuple[str, Staged], ...] = ()
    reducers: tuple[StagedReducer, ...] = ()
    metrics: tuple[MetricEntry, ...] = ()
    models: tuple[dict[str, str], ...] = ()
    spent: Spent | None = None


def body_of(draft: Draft, prefix: str) -> dict[str, object]:
    """The fields of a record that names `draft`'s files below `prefix`."""
    return {
        "batches": draft.batches,
        "rows": draft.rows,
        "files": tuple(_named(name, prefix + name, staged) for name, staged in draft.files),
        "reducers": tuple(_reducer(one, prefix, i) for i, one in enumerate(draft.reducers)),
        "metrics": draft.metrics,
        "models": draft.models,
        "spent": draft.spent,
    }


def uploads_of(draft: Draft, prefix: str) -> tuple[tuple[str, Staged], ...]:
    """Keys below `prefix`, or beside it, and what is to be written there."""
    files = tuple((prefix + name, staged) for name, staged in draft.files)
    values = tuple(
        (reducer_key(prefix, number), one.staged)
        for number, one in enumerate(draft.reducers)
        if one.staged is not None
    )
    return files + values


def _named(name: str, key: str, staged: Staged) -> CommittedFile:
    return CommittedFile(name=name, key=key, size=staged.size, sha256=staged.sha256)


def _reducer(one: StagedReducer, prefix: str, number: int) -> ReducerEntry:
    if one.staged is None:
        return one.entry
    key = reducer_key(prefix, number)
    return one.entry.model_copy(update={"object": _named(one.entry.name, key, one.staged)})
