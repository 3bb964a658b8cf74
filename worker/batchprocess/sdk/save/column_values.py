"""What one column of a file holds, as the formats want it."""

from collections.abc import Mapping
from typing import Any

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


def shown(value: Any) -> str:
    """As errors quote it."""
    try:
        return f"{value!r:.100}"
    except ValueError:  # Python makes no text of it, which the error around this tells
        return f"{type(value).__qualname__} with an integer of more than 4,300 digits"


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
