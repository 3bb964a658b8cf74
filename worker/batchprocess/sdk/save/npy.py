"""Numpy files of `context.save`."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from batchprocess.sdk.save.column_values import Values, numpy_of


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
