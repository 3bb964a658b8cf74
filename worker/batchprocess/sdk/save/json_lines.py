"""JSON lines files of `context.save`."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from batchprocess.sdk.save.column_values import Values


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

    def finish(self) -> None:
        """Flush."""
        self._file.close()

    abandon = finish


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
