"""Files of `context.save`: one writer per format, rows appended as they come, ids kept.

Writers hold a bounded part of the file in memory, whatever the interval's size. They run in the
encoder thread; what can be checked before is checked by `column_types.py` in the call.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from batchprocess.sdk.save.column_values import Values
from batchprocess.sdk.save.json_lines import JsonLines
from batchprocess.sdk.save.npy import Npy
from batchprocess.sdk.save.safetensors import Safetensors


class Writer(Protocol):
    """One file while it grows."""

    def add(self, ids: Values, columns: Mapping[str, Values]) -> None:
        """Append rows."""

    def finish(self) -> None:
        """Finish the file, so that it can be read."""

    def abandon(self) -> None:
        """Close the file, which nobody will read."""


def _parquet(path: Path) -> Writer:
    # Its own module: pyarrow is an extra.
    from batchprocess.sdk.save.parquet import Parquet

    return Parquet(path)


WRITERS: Mapping[str, Callable[[Path], Writer]] = {
    ".parquet": _parquet,
    ".safetensors": Safetensors,
    ".npy": Npy,
    ".jsonl": JsonLines,
}
"""By suffix."""

TENSORS_ONLY = frozenset({".npy", ".safetensors"})
"""Formats whose columns are tensors of one dtype and row shape."""


def files_of(name: str) -> Sequence[str]:
    """The files that a `save` under `name` makes."""
    return (name, name[: -len(".npy")] + ".ids.npy") if name.endswith(".npy") else (name,)
