"""Reducer values as JSON, without pickle: JSON plus tagged tuple, bytes, numpy and tensor.

A tag is an object with the single key `$tuple`, `$bytes`, `$array`, `$tensor`, `$number` or
`$dict`; a user's dict is tagged too unless its keys are plain strings without a leading `$`.
"""

import base64
import math
from typing import Any

import numpy as np
import torch


def to_json(value: Any) -> Any:
    """A JSON-able form from which `from_json` makes an equal value.

    Raises TypeError for any other type, with its name.
    """
    match value:
        case None | bool() | str():
            return value
        case torch.Tensor():
            return {"$tensor": _array(value.detach().cpu().numpy())}
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
            return {str(key): readable(item) for key, item in value.items()}
    raise TypeError(f"a result of type {type(value).__qualname__} cannot be written as JSON")


def _untag(value: dict[str, Any]) -> Any:
    match value:
        case {"$number": text}:
            return float(text)
        case {"$bytes": text}:
            return base64.b64decode(text)
        case {"$tuple": items}:
            return tuple(from_json(item) for item in items)
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


def _array(array: "np.ndarray[Any, Any]") -> dict[str, Any]:
    if array.dtype.hasobject:
        raise TypeError("a numpy array of objects cannot be kept: give it a plain dtype")
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "data": data}


def _from_array(stored: dict[str, Any]) -> "np.ndarray[Any, Any]":
    flat = np.frombuffer(base64.b64decode(stored["data"]), dtype=np.dtype(stored["dtype"]))
    return flat.reshape(stored["shape"]).copy()
