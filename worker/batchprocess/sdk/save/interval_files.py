"""The files of `context.save` between two commits, while they grow."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batchprocess.sdk.save.column_types import ColumnType, in_file, types_as_text
from batchprocess.sdk.save.formats.writers import WRITERS, Writer, files_of
from batchprocess.sdk.save.id_types import joined_ids


class IntervalFiles:
    """Files below `folder`. `expect` is for the callers of save, the rest for the encoder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._types: dict[str, dict[str, ColumnType]] = {}
        self._writers: dict[str, Writer] = {}
        self._empty: dict[str, tuple[Any, dict[str, Any]]] = {}

    def expect(self, name: str, types: dict[str, ColumnType]) -> None:
        """Raise ValueError or TypeError if rows of these types do not go into what is in the file.

        Nothing is changed then.
        """
        for other in self._types.keys() - {name}:
            if twice := set(files_of(name)) & set(files_of(other)):
                raise ValueError(
                    f"{name!r} and {other!r} would both make {min(twice)!r}: rename one"
                )
        self._types[name] = _joined(name, self._types.get(name), types)

    def expected(self) -> dict[str, dict[str, ColumnType]]:
        """The types of all files so far; later rows do not change it."""
        return dict(self._types)

    def expect_again(self, expected: dict[str, dict[str, ColumnType]]) -> None:
        """Forget types that came since; no rows of these were added."""
        self._types = expected

    def names(self) -> frozenset[str]:
        """Of all files that there will be."""
        return frozenset(file for name in self._types for file in files_of(name))

    def add(self, name: str, ids: Any, columns: dict[str, Any]) -> None:
        """Append rows to one file; ValueError if it cannot hold them."""
        if len(ids):
            with _named(name):
                self._writer(name).add(ids, columns)
        else:
            # Types of lists are known from their rows: no rows count only if there are no others.
            self._empty[name] = (ids, columns)

    def finish(self, names: frozenset[str]) -> dict[str, Path]:
        """Complete the files; where they are, by name."""
        for name in self._empty.keys() - self._writers.keys():
            self._writer(name).add(*self._empty[name])
        for name, writer in self._writers.items():
            with _named(name):
                writer.finish()
        return {name: self._folder / name for name in names}

    def abandon(self) -> None:
        """Close the files, whatever is in them."""
        for writer in self._writers.values():
            writer.abandon()

    def _writer(self, name: str) -> Writer:
        if name not in self._writers:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise ValueError(
                    f"{name!r} and another name of this checkpoint are one file in {self._folder}, "
                    "where names that differ only in case are not told apart: rename one"
                )
            self._writers[name] = WRITERS[path.suffix](path)
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
