"""Files of `context.save`: one writer per format, rows appended as they come, ids kept.

Writers hold a bounded part of the file in memory, whatever the interval's size. They run in the
encoder thread; what can be checked before is checked by `column_types.py` in the call, where lists
become what the file will hold of them (`LISTS`).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from batchprocess.sdk.save.formats.json_lines import JsonLines, json_column
from batchprocess.sdk.save.formats.npy import Npy
from batchprocess.sdk.save.formats.safetensors import Safetensors
from batchprocess.sdk.save.formats.table_types import TableTypes


class Writer(Protocol):
    """One file while it grows."""

    def add(self, ids: Any, columns: Mapping[str, Any]) -> None:
        """Append rows."""

    def finish(self, types: TableTypes | None = None) -> None:
        """Finish the file, so that it can be read, with these types if they are known."""

    def abandon(self) -> None:
        """Close the file, which nobody will read."""


def _parquet(path: Path, types: Any) -> Writer:
    # Its own module: pyarrow is an extra.
    from batchprocess.sdk.save.formats.parquet import Parquet

    return Parquet(path, None if types is None else types.schema)


WRITERS: Mapping[str, Callable[[Path, TableTypes | None], Writer]] = {
    ".parquet": _parquet,
    ".safetensors": lambda path, _types: Safetensors(path),
    ".npy": lambda path, _types: Npy(path),
    ".jsonl": lambda path, _types: JsonLines(path),
}
"""By suffix; types are those known of the table so far."""


def retyped(path: Path, types: Any) -> None:
    """Write a finished file again with these types, where its columns have had none.

    Only a `.parquet` has such columns: those of tensors always have their type.
    """
    if path.suffix == ".parquet":
        from batchprocess.sdk.save.formats.parquet import rewrite

        rewrite(path, types.schema)


def values_in(path: Path) -> Any:
    """The columns of a finished file, for an error to name a value of one."""
    if path.suffix != ".parquet":
        return {}
    from batchprocess.sdk.save.formats.parquet import SavedColumns

    return SavedColumns(path)


def _column_of(key: str, values: Sequence[Any]) -> Any:
    from batchprocess.sdk.save.formats.arrow_column import column_of

    return column_of(key, values)


def arrow_column(key: str, array: Any) -> Any:
    """A user's own array of Arrow as a column of Parquet; TypeError if it can hold none of them."""
    from batchprocess.sdk.save.formats.arrow_column import column_of_array

    return column_of_array(key, array)


LISTS: Mapping[str, Callable[[str, Sequence[Any]], Any]] = {
    ".parquet": _column_of,
    ".jsonl": json_column,
}
"""By suffix: from a column's name and its plain values what the writer takes; it is a snapshot."""

TENSORS_ONLY = frozenset({".npy", ".safetensors"})
"""Formats whose columns are tensors of one dtype and row shape."""


def files_of(name: str) -> Sequence[str]:
    """The files that a `save` under `name` makes."""
    return (name, name[: -len(".npy")] + ".ids.npy") if name.endswith(".npy") else (name,)
