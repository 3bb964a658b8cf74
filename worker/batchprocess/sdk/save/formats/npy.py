"""Numpy files of `context.save`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import header_data_from_array_1_0, write_array_header_1_0

from batchprocess.sdk.save.column_values import Values, numpy_of


class Npy:
    """One array, `<stem>.npy`, and its ids beside it, `<stem>.ids.npy`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._ids: list[np.ndarray[Any, Any]] = []
        self._header: dict[str, Any] = {}

    def add(self, ids: Values, columns: Mapping[str, Values]) -> None:
        """Append the array's rows; the header in front of them counts none yet."""
        (values,) = columns.values()
        array = np.ascontiguousarray(numpy_of(values))
        if not self._header:
            self._header = header_data_from_array_1_0(array)
            self._write_header(0)
        self._ids.append(numpy_of(ids))
        self._file.write(array.data)

    def finish(self, _types: Any = None) -> None:
        """Write the header again, now that the number of rows is known."""
        # Not as Python's integers, nor as signed and unsigned ones: numpy makes floats of those.
        unsigned = any(one.dtype == np.uint64 for one in self._ids)
        ids = np.concatenate([one.astype(np.uint64) if unsigned else one for one in self._ids])
        self._file.seek(0)
        # As long as the first one: numpy leaves room for any number of rows.
        self._write_header(len(ids))
        self._file.close()
        np.save(self._path.with_suffix(".ids.npy"), ids, allow_pickle=False)

    def abandon(self) -> None:
        """Close it."""
        self._file.close()

    def _write_header(self, rows: int) -> None:
        shape = (rows, *self._header["shape"][1:])
        write_array_header_1_0(self._file, self._header | {"shape": shape})
