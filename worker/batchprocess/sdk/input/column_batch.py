"""A batch of the readers: columns for a model, and the same rows untouched."""

import pickle
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.utils.data import get_worker_info

from batchprocess.sdk.input.arrow_columns import arrow_column, arrow_of, is_exact_in_python
from batchprocess.sdk.input.batch_tensors import MappedBatch
from batchprocess.sdk.input.kept_tensor import KeptTensor, kept_apart

if TYPE_CHECKING:
    import pyarrow


class ColumnBatch(MappedBatch):
    """Columns by name: tensors and lists."""

    def __init__(self, made: Mapping[str, Any], rows: Mapping[str, Any]) -> None:
        super().__init__(made)
        self._rows = dict(rows)

    @classmethod
    def of_table(cls, table: "pyarrow.Table") -> "ColumnBatch":
        """Of rows of Parquet."""
        rows = {name: table[name] for name in table.column_names}
        return cls({name: _made(name, one) for name, one in rows.items()}, rows)

    @property
    def columns(self) -> dict[str, Any]:
        """The same rows as they were read, whatever becomes of the batch.

        Of Parquet arrays of Arrow; else lists of what the rows hold, without the columns that are
        arrays or tensors there.
        """
        for name, one in self._rows.items():
            if isinstance(one, _Later):
                self._rows[name] = one.made(name)
        return dict(self._rows)

    def with_items(self, items: Mapping[str, Any]) -> "ColumnBatch":
        """The same rows, with their tensors in other memory, which then is what may change."""
        rows = {
            name: _kept(items[name], one.kind) if isinstance(one, _Later) and one.is_lent else one
            for name, one in self._rows.items()
        }
        return ColumnBatch(items, rows)

    def __copy__(self) -> "ColumnBatch":
        return ColumnBatch(self, self._rows)

    def __reduce__(self) -> Any:
        if get_worker_info() is None:
            # User code has had it, and may have written to its tensors and lists.
            return ColumnBatch, (dict(self), self.columns)
        # Of most columns Arrow is made again of what the batch has, if it is asked for.
        kinds = {name: getattr(one, "type", None) for name, one in self._rows.items()}
        sent = {name for name, one in self.items() if _needs_message(one, kinds.get(name))}
        made = {name: None if name in sent else one for name, one in self.items()}
        return _arrived, (made, _packed(tuple(kinds.items())), _message(self._rows, sent))


def _made(name: str, column: "pyarrow.ChunkedArray") -> Any:
    try:
        return arrow_column(column)
    except (ValueError, OverflowError) as error:
        # A year above 9999, say, or a struct with two fields of one name.
        raise ValueError(
            f"column {name!r}, of type {column.type}, has what Python has no value for ({error}): "
            "leave it out by columns=, or give a collate_fn of your own, which gets a table of "
            "Arrow (rows.table)"
        ) from error


class _Later(NamedTuple):
    """What an array of Arrow is made of when somebody asks for it."""

    values: list[Any] | KeptTensor
    kind: Any

    @property
    def is_lent(self) -> bool:
        """Whether user code may write to it."""
        return isinstance(self.values, KeptTensor) and not self.values.copied

    def made(self, name: str) -> Any:
        """The array; ValueError if it can no longer be made."""
        values = self.values
        return arrow_of(values.array(name) if isinstance(values, KeptTensor) else values, self.kind)


def _needs_message(made: Any, kind: Any) -> bool:
    return kind is not None and isinstance(made, list) and not is_exact_in_python(kind)


def _message(rows: Mapping[str, Any], names: set[str]) -> bytes:
    """Columns as Arrow, without the rest of the row groups that they are cut from."""
    if not names:
        return b""
    import pyarrow as pa

    table = pa.table({name: one for name, one in rows.items() if name in names})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def _arrived(made: dict[str, Any], kinds: bytes, message: bytes) -> ColumnBatch:
    sent = _columns_in(message) if message else {}
    for name, column in sent.items():
        made[name] = arrow_column(column)
    rows = {}
    for name, kind in _unpacked(kinds).items():
        if kind is not None and name not in sent and isinstance(made[name], torch.Tensor):
            made[name], kept = kept_apart(made[name])
            rows[name] = _Later(kept, kind)
        else:
            rows[name] = sent.get(name) or _kept(made[name], kind)
    return ColumnBatch(made, rows)


def _columns_in(message: bytes) -> dict[str, Any]:
    import pyarrow as pa

    table = pa.ipc.open_stream(message).read_all()
    return {name: table[name] for name in table.column_names}


def _kept(made: Any, kind: Any) -> Any:
    """What user code cannot write to; what a list has here cannot be written to."""
    if kind is None:
        return made.tolist() if isinstance(made, torch.Tensor) else list(made)
    return _Later(KeptTensor(made) if isinstance(made, torch.Tensor) else list(made), kind)


@lru_cache(64)
def _packed(kinds: tuple[tuple[str, Any], ...]) -> bytes:
    """Types of columns; of every batch the same."""
    return pickle.dumps(kinds)


@lru_cache(64)
def _unpacked(kinds: bytes) -> dict[str, Any]:
    return dict(pickle.loads(kinds))  # noqa: S301  our worker's
