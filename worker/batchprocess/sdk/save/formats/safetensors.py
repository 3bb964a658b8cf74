"""Safetensors files of `context.save`."""

import json
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from batchprocess.sdk.save.column_values import DTYPES, Values

_MAX_HEADER_BYTES = 100_000_000
"""Of the format; its readers refuse more."""


class Safetensors:
    """One tensor a column, dtypes kept (bfloat16 too).

    Ids: the tensor `id` if they are integers, else a JSON list under `id` in the file's metadata.
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
            if self._kinds.get(name, (None,))[0] is not torch.uint64:
                # Ids that fit 63 bits have the same bytes, signed or not.
                self._kinds[name] = (tensor.dtype, tensor.shape[1:])
            self._part(name).write(_bytes_of(tensor))
        self._rows += len(ids)

    def finish(self, _types: Any = None) -> None:
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
        if len(text) > _MAX_HEADER_BYTES:
            raise ValueError(
                f"ids and names of columns have {len(text)} bytes in the file's header, and "
                f"readers take {_MAX_HEADER_BYTES}: give integers as ids, or a smaller "
                "checkpoint_interval"
            )
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


def _bytes_of(values: torch.Tensor) -> memoryview:
    # Not reshape(-1): one value cut out of a row keeps the stride that it had there.
    flat = values.contiguous().as_strided((values.numel(),), (1,))
    return flat.view(torch.uint8).numpy().data
