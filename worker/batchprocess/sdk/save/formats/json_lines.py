"""JSON lines files of `context.save`."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from batchprocess.sdk.save.column_values import shown

_TEXT_BYTES = 64
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class JsonColumn:
    """One column of one batch, a text of JSON for each row: its own snapshot."""

    texts: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def nbytes(self) -> int:
        """About its size."""
        return sum(map(len, self.texts)) + _TEXT_BYTES * len(self.texts)

    def wait(self) -> list[str]:
        """The texts, which are here."""
        return self.texts


def json_column(key: str, values: Sequence[Any]) -> JsonColumn:
    """Plain values (see `plain_values.plain`) as texts; NaN and infinity become null.

    TypeError or ValueError names the column and the value that JSON cannot hold.
    """
    return JsonColumn([_text(key, value) for value in values])


class JsonLines:
    """One JSON object a row, `id` first. Numbers that JSON lacks (NaN, infinity) become null."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def add(self, ids: Any, columns: Mapping[str, Any]) -> None:
        """One line a row; columns as tensors or as texts of JSON, ids as a tensor or texts."""
        names = [_ENCODER.encode(name) for name in ("id", *columns)]
        texts = [
            _texts(ids) if isinstance(ids, torch.Tensor) else [*map(_ENCODER.encode, ids)],
            *map(_texts, columns.values()),
        ]
        for row in zip(*texts, strict=True):
            pairs = (f"{name}: {text}" for name, text in zip(names, row, strict=True))
            self._file.write("{" + ", ".join(pairs) + "}\n")

    def finish(self, _types: Any = None) -> None:
        """Flush."""
        self._file.close()

    def abandon(self) -> None:
        """Close it."""
        self._file.close()


def _texts(values: Any) -> list[str]:
    if not isinstance(values, torch.Tensor):
        return list(values)
    finite = not values.dtype.is_floating_point or bool(values.isfinite().all())
    listed = values.tolist()
    return [_ENCODER.encode(one if finite else _without_nan(one)) for one in listed]


def _text(key: str, value: Any) -> str:
    try:
        text = _ENCODER.encode(_without_nan(value))
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"column {key!r} has {shown(value)}, which is not JSON ({error}): use numbers, texts, "
            "lists and dicts of them with texts as keys, .isoformat() of times, str() of all else"
        ) from error
    return text


def _without_nan(value: Any) -> Any:
    """What the encoder is given; of itself it would make texts of the keys 1, None and True."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                raise TypeError(f"key {name!r} is a {type(name).__qualname__}: use str()")
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
