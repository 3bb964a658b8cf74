"""Files of `context.save`: one writer per format, rows appended as they come, ids kept.

Writers hold a bounded part of the file in memory, whatever the interval's size. They run in the
encoder thread; what can be checked before is checked by `saver.py` in the call.
"""

import json
import math
import shutil
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import torch

Values = torch.Tensor | list[Any]
"""A column: a tensor on the CPU with one row first, or a list of Python values, one a row."""


DTYPES: Mapping[str, str] = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint64": "U64",
    "uint32": "U32",
    "uint16": "U16",
    "uint8": "U8",
    "bool": "BOOL",
}
"""What a column may hold, and its name in safetensors."""


class Writer(Protocol):
    """One file while it grows."""

    def add(self, ids: Values, columns: Mapping[str, Values]) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish the file, so that it can be read."""

    def abandon(self) -> None:
        """Close the file, which nobody will read."""


class JsonLines:
    """One JSON object a row, `id` first. Numbers that JSON lacks (NaN, infinity) become null."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def add(self, ids: Values, columns: Mapping[str, Values]) -> None:
        """One line a row."""
        parts = [_plain(ids), *map(_plain, columns.values())]
        names = ["id", *columns]
        for row in zip(*parts, strict=True):
            pairs = dict(zip(names, row, strict=True))
            self._file.write(json.dumps(pairs, ensure_ascii=False, allow_nan=False) + "\n")

    def close(self) -> None:
        """Flush."""
        self._file.close()

    abandon = close


class Npy:
    """One array, `<stem>.npy`, and its ids beside it, `<stem>.ids.npy`."""

    _HEAD_BYTES = 128

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._file.write(bytes(self._HEAD_BYTES))
        self._ids: list[np.ndarray[Any, Any]] = []
        self._row: np.ndarray[Any, Any] = np.empty(0)

    def add(self, ids: Values, columns: Mapping[str, Values]) -> None:
        """Append the array's rows behind a header that is written last."""
        (values,) = columns.values()
        array = np.ascontiguousarray(numpy_of(values))
        self._row = array[:0]
        self._ids.append(numpy_of(ids))
        self._file.write(array.data)

    def close(self) -> None:
        """Write the header, now that the number of rows is known."""
        # Not as Python's integers: of those beyond 63 bits numpy makes floats.
        ids = np.concatenate(self._ids)
        shape = (len(ids), *self._row.shape[1:])
        text = repr({"descr": self._row.dtype.str, "fortran_order": False, "shape": shape})
        room = self._HEAD_BYTES - 10
        if len(text) >= room:
            raise ValueError(f"an array of shape {shape} has too many dimensions for .npy")
        self._file.seek(0)
        self._file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", room))
        self._file.write(text.ljust(room - 1).encode("latin1") + b"\n")
        self._file.close()
        np.save(self._path.with_suffix(".ids.npy"), ids, allow_pickle=False)

    def abandon(self) -> None:
        """Close it."""
        self._file.close()


class Safetensors:
    """One tensor a column, dtypes kept (bfloat16 too). Ids: the tensor `id` if they are integers,

    else a JSON list under `id` in the file's metadata.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: dict[str, BinaryIO] = {}
        self._kinds: dict[str, tuple[torch.dtype, torch.Size]] = {}
        self._rows = 0
        self._texts: list[Any] = []

    def add(self, ids: Values, columns: Mapping[str, Values]) -> None:
        """Append each column to a file of its own: the format wants one after the other."""
        found = dict(columns)
        if isinstance(ids, torch.Tensor):
            found = {"id": ids, **found}
        else:
            self._texts += ids
        for name, values in found.items():
            tensor = torch.as_tensor(values)
            self._kinds[name] = (tensor.dtype, tensor.shape[1:])
            self._part(name).write(_bytes_of(tensor))
        self._rows += len(ids)

    def close(self) -> None:
        """Header, then the columns."""
        head: dict[str, Any] = {}
        if self._texts:
            head["__metadata__"] = {"id": json.dumps(self._texts)}
        at = 0
        for name, file in self._parts.items():
            dtype, shape = self._kinds[name]
            size = file.tell()
            head[name] = {
                "dtype": DTYPES[str(dtype).removeprefix("torch.")],
                "shape": [self._rows, *shape],
                "data_offsets": [at, at + size],
            }
            at += size
        text = json.dumps(head).encode()
        text += b" " * (-len(text) % 8)
        with self._path.open("wb") as whole:
            whole.write(struct.pack("<Q", len(text)) + text)
            for file in self._parts.values():
                file.seek(0)
                shutil.copyfileobj(file, whole, 1 << 20)
        self.abandon()

    def abandon(self) -> None:
        """Close the parts."""
        for file in self._parts.values():
            file.close()

    def _part(self, name: str) -> BinaryIO:
        if name not in self._parts:
            path = self._path.with_name(f"{self._path.name}.part-{len(self._parts)}")
            self._parts[name] = path.open("w+b")
            path.unlink()
        return self._parts[name]


def numpy_of(values: Values) -> "np.ndarray[Any, Any]":
    """A column as an array; bfloat16, which numpy lacks, as float32, which holds it exactly."""
    if isinstance(values, list):
        return np.asarray(values)
    if values.dtype is not torch.bfloat16:
        return values.numpy()
    # Not `.float()`: torch takes a thread for every core, which are the loader workers', and has
    # them spin for a while.
    halves = values.contiguous().view(torch.int16).numpy().view(np.uint16)
    return (halves.astype(np.uint32) << 16).view(np.float32)


def _bytes_of(values: torch.Tensor) -> memoryview:
    # Not reshape(-1): one value cut out of a row keeps the stride that it had there.
    flat = values.contiguous().as_strided((values.numel(),), (1,))
    return flat.view(torch.uint8).numpy().data


def _plain(values: Values) -> list[Any]:
    if isinstance(values, torch.Tensor):
        finite = not values.dtype.is_floating_point or bool(values.isfinite().all())
        listed: list[Any] = values.tolist()
        return listed if finite else [_without_nan(value) for value in listed]
    return [_without_nan(value) for value in values]


def _without_nan(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
