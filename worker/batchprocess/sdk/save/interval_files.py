"""The files of `context.save` between two commits, while they grow."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from batchprocess.sdk.save.column_types import ColumnType, in_file, types_as_text
from batchprocess.sdk.save.formats.table_types import TableTypes
from batchprocess.sdk.save.formats.writers import WRITERS, Writer, files_of
from batchprocess.sdk.save.id_types import joined_ids

_NO_TYPES: Mapping[str, TableTypes] = MappingProxyType({})


class IntervalFiles:
    """Files below `folder`. `expect` is for the callers of save, the rest for the encoder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._types: dict[str, dict[str, ColumnType]] = {}
        self._writers: dict[str, Writer] = {}
        self._empty: dict[str, tuple[Any, dict[str, Any]]] = {}

    def expect(self, name: str, types: dict[str, ColumnType] | None) -> None:
        """Raise ValueError or TypeError if rows of these types do not go into what is in the file.

        Nothing is changed then. Without types only the name is looked at.
        """
        for other in self._types.keys() - {name}:
            if twice := set(files_of(name)) & set(files_of(other)):
                raise ValueError(
                    f"{name!r} and {other!r} would both make {min(twice)!r}: rename one"
                )
        known = self._types.get(name)
        self._types[name] = {} if types is None else _joined(name, known, types)

    def expected(self) -> dict[str, dict[str, ColumnType]]:
        """The types of all files so far; later rows do not change it."""
        return dict(self._types)

    def expect_again(self, expected: dict[str, dict[str, ColumnType]]) -> None:
        """Forget types that came since; no rows of these were added."""
        self._types = expected

    def names(self) -> frozenset[str]:
        """Of all files that there will be, at most."""
        return frozenset(file for name in self._types for file in files_of(name))

    def add(
        self, name: str, ids: Any, columns: dict[str, Any], types: TableTypes | None = None
    ) -> None:
        """Append rows to one file; ValueError if it cannot hold them.

        `types`: what is known so far of the columns of all files of this name.
        """
        if len(ids):
            with _named(name):
                self._writer(name, types).add(ids, columns)
        else:
            # Types of lists are known from their rows: no rows count only if there are no others.
            self._empty[name] = (ids, columns)

    def finish(
        self, names: frozenset[str], types: Mapping[str, TableTypes] = _NO_TYPES
    ) -> dict[str, Path]:
        """Complete the files; where they are, by name. `types`: of tables, as known at the end.

        A table without a row is left out if nothing says what its columns are.
        """
        left_out: set[str] = set()
        for name in self._empty.keys() - self._writers.keys():
            known = types.get(name)
            if known is not None and known.unknown() is not None:
                left_out |= set(files_of(name))
            else:
                self._writer(name, known).add(*self._empty[name])
        for name, writer in self._writers.items():
            with _named(name):
                writer.finish(types.get(name))
        return {name: self._folder / name for name in names - left_out}

    def abandon(self) -> None:
        """Close the files, whatever is in them."""
        for writer in self._writers.values():
            writer.abandon()

    def _writer(self, name: str, types: TableTypes | None) -> Writer:
        if name not in self._writers:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise ValueError(
                    f"{name!r} and another name of this checkpoint are one file in {self._folder}, "
                    "where names that differ only in case are not told apart: rename one"
                )
            self._writers[name] = WRITERS[path.suffix](path, types)
        return self._writers[name]


def _joined(
    name: str, known: dict[str, ColumnType] | None, types: dict[str, ColumnType]
) -> dict[str, ColumnType]:
    before = dict.fromkeys(types, None) if known is None else known
    if before.keys() == types.keys():
        joined = {key: _joined_column(name, key, before[key], new) for key, new in types.items()}
        if None not in joined.values():
            return joined
    raise ValueError(
        f"{name!r} got {types_as_text(types)} now and {types_as_text(known or {})} before: give "
        "every batch the same columns, or another name"
    )


def _joined_column(name: str, key: str, known: ColumnType | None, new: ColumnType) -> Any:
    """The type of both, None if there is none."""
    if key == "id":
        return joined_ids(known, new)
    if not isinstance(new, tuple) and not isinstance(known, tuple):
        with in_file(name):
            return new.joined(known)
    return new if known in (None, new) else None


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """What the call has let pass; pyarrow's errors are of these types."""
    try:
        yield
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ValueError(f"{name!r} cannot hold these rows: {error}") from error
