"""Reducer values as JSON, without pickle: JSON plus tagged tuple, bytes, numpy and tensor.

A tag is an object with the single key `$tuple`, `$bytes`, `$array`, `$tensor`, `$number` or
`$dict`; a user's dict is tagged too unless its keys are plain strings without a leading `$`.
"""

import base64
import math
from typing import Any

import numpy as np
import torch

_UNKNOWN_TO_NUMPY = {
    "bfloat16": torch.bfloat16,
    "float8_e4m3fn": torch.float8_e4m3fn,
    "float8_e5m2": torch.float8_e5m2,
}


def to_json(value: Any) -> Any:
    """A JSON-able form from which `from_json` makes an equal value.

    Raises TypeError for any other type, with its name.
    """
    match value:
        case None | bool() | str():
            return value
        case torch.Tensor():
            return {"$tensor": _tensor(value)}
        case np.ndarray() | np.generic():
            return {"$array": _array(np.asarray(value)), **_scalar(value)}
        case int():
            return value
        case float():
            return value if math.isfinite(value) else {"$number": repr(value)}
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
        case tuple():
            return {"$tuple": [to_json(item) for item in value]}
        case list():
            return [to_json(item) for item in value]
        case dict():
            return _dict(value)
    raise TypeError(
        f"a value of type {type(value).__qualname__} cannot be kept: use numbers, strings, bytes, "
        "lists, tuples, dicts, numpy arrays or tensors"
    )


def from_json(value: Any) -> Any:
    """The value that `to_json` was given."""
    match value:
        case list():
            return [from_json(item) for item in value]
        case dict() if len(value) == 1 or "$scalar" in value:
            return _untag(value)
        case dict():
            return {key: from_json(item) for key, item in value.items()}
    return value


def readable(value: Any) -> Any:
    """A result as plain JSON for people: arrays as lists, scalars as numbers, NaN as text."""
    match value:
        case torch.Tensor() | np.ndarray() | np.generic():
            return readable(value.tolist())
        case float() if not math.isfinite(value):
            return repr(value)
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [readable(item) for item in value]
        case dict():
            found = {str(key): readable(item) for key, item in value.items()}
            if len(found) < len(value):
                raise TypeError(f"two of the keys {[*value]!r:.200} are equal as texts")
            return found
    raise TypeError(f"a result of type {type(value).__qualname__} cannot be written as JSON")


def _untag(value: dict[str, Any]) -> Any:
    match value:
        case {"$number": text}:
            return float(text)
        case {"$bytes": text}:
            return base64.b64decode(text)
        case {"$tuple": items}:
            return tuple(from_json(item) for item in items)
        case {"$tensor": {"torch": kind, "bytes": array}}:
            cut, dtype = torch.from_numpy(_from_array(array)), _UNKNOWN_TO_NUMPY[kind]
            if cut.numel() == 0:
                return torch.empty(cut.shape[:-1], dtype=dtype)
            return cut.view(dtype).squeeze(-1)
        case {"$tensor": array}:
            return torch.from_numpy(_from_array(array))
        case {"$array": array}:
            made = _from_array(array)
            return made[()] if "$scalar" in value else made
        case {"$dict": pairs}:
            return {from_json(key): from_json(item) for key, item in pairs}
    return {key: from_json(item) for key, item in value.items()}


def _dict(value: dict[Any, Any]) -> Any:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: to_json(item) for key, item in value.items()}
    return {"$dict": [[to_json(key), to_json(item)] for key, item in value.items()]}


def _scalar(value: Any) -> dict[str, bool]:
    return {"$scalar": True} if isinstance(value, np.generic) else {}


def _tensor(tensor: torch.Tensor) -> dict[str, Any]:
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise TypeError("a sparse or quantized tensor cannot be kept: call to_dense() on it")
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    kind = str(plain.dtype).removeprefix("torch.")
    if kind not in _UNKNOWN_TO_NUMPY:
        return _array(plain.numpy())
    # A last axis of its own, so that a tensor without axes has one that can be cut into bytes.
    cut = plain.contiguous().unsqueeze(-1).view(torch.uint8)
    return {"torch": kind, "bytes": _array(cut.numpy())}


def _array(array: "np.ndarray[Any, Any]") -> dict[str, Any]:
    if array.dtype.hasobject or array.dtype.fields is not None:
        raise TypeError(
            "a numpy array of objects or with named fields cannot be kept: give it a plain dtype"
        )
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "data": data}


def _from_array(stored: dict[str, Any]) -> "np.ndarray[Any, Any]":
    flat = np.frombuffer(base64.b64decode(stored["data"]), dtype=np.dtype(stored["dtype"]))
    return flat.reshape(stored["shape"]).copy()
