"""Telling a changed dataset from the one that the run began with (docs/protocol.md, "run.json")."""

import hashlib
import json
from typing import Any

import numpy as np
import torch

_INNER_ROWS = 6


def fingerprint(dataset: Any, rows: int) -> str | None:
    """The dataset's own fingerprint, or a digest of eight rows, or None if there is none.

    Own: its `fingerprint` attribute or method, else a Hugging Face dataset's `_fingerprint`. None
    if rows vary from one reading to the next, are of unknown types, or cannot be read.
    """
    own = getattr(dataset, "fingerprint", None)
    own = own() if callable(own) else own
    own = getattr(dataset, "_fingerprint", None) if own is None else own
    if own is not None:
        return str(own)
    numbers = sample(rows)
    first = _digest(dataset, numbers)
    return first if first is not None and first == _digest(dataset, numbers) else None


def sample(rows: int) -> list[int]:
    """The first row, the last, and six evenly spread between."""
    inner = (rows * (step + 1) // (_INNER_ROWS + 1) for step in range(_INNER_ROWS))
    return sorted({0, rows - 1, *inner})


def _digest(dataset: Any, numbers: list[int]) -> str | None:
    total = hashlib.sha256()
    for number in numbers:
        try:
            total.update(_bytes(dataset[number]))
        except Exception:  # noqa: BLE001  whatever user code raises
            # Reported, with exit code and row, by the attempt that comes to this row's batch.
            return None
    return total.hexdigest()


def _bytes(value: Any) -> bytes:
    """Bytes that are equal for equal values in every process; TypeError for unknown types."""
    match value:
        case torch.Tensor():
            return _bytes(value.detach().cpu().numpy())
        case np.ndarray() if not value.dtype.hasobject:
            head = f"{value.dtype.str}{value.shape}".encode()
            return head + np.ascontiguousarray(value).tobytes()
        case np.generic():
            return _bytes(np.asarray(value))
        case None | bool() | int() | float() | str():
            return json.dumps(value).encode()
        case bytes() | bytearray():
            return bytes(value)
        case dict():
            return b"{" + b",".join(_bytes(k) + b":" + _bytes(v) for k, v in value.items()) + b"}"
        case list() | tuple():
            return b"[" + b",".join(_bytes(item) for item in value) + b"]"
    if hasattr(value, "tobytes"):  # a PIL image
        return repr(getattr(value, "size", "")).encode() + bytes(value.tobytes())
    raise TypeError(type(value).__qualname__)
