"""What a model keeps between two calls, seen from outside: whether a forward changes anything.

Looks through attributes, buffers, parameters, lists and dicts; not into globals or closures.
"""

import hashlib
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch

from batchprocess.sdk.device.torch_private import version_of

_PLAIN = str | bytes | int | float | complex | bool | None
_LEAVES = _PLAIN | type | FunctionType | BuiltinFunctionType | MethodType | ModuleType
_OURS = f"{__name__.partition('.')[0]}."
_MAX_ITEMS = 10_000
"""Of a longer list or dict, a vocabulary say, only the length is looked at."""
_MAX_OBJECTS = 500_000
"""A model of more is not looked at to the end."""


class ForwardState:
    """A picture of everything below `roots`, to compare with a later one of the same."""

    def __init__(self, roots: dict[str, Any], most: int = _MAX_OBJECTS) -> None:
        self._marks: dict[str, Any] = {}
        # Held, so that no address is given to another object before the comparison.
        self._held: list[Any] = []
        waiting = list(roots.items())
        seen: set[int] = set()
        while waiting and len(self._held) < most:
            path, value = waiting.pop()
            self._held.append(value)
            self._marks[path] = _mark(value)
            if id(value) not in seen:
                seen.add(id(value))
                waiting.extend((_join(path, name), item) for name, item in _inside(value))

        self.is_whole = not waiting

    def first_change(self, later: "ForwardState") -> str | None:
        """The name of something that is not as it was, None if all is."""
        names = self._marks.keys() | later._marks.keys()
        missing = object()
        changed = (n for n in names if self._marks.get(n, missing) != later._marks.get(n, missing))
        return min(changed, key=lambda name: (name.count("."), name), default=None)


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, _LEAVES | torch.Tensor | np.ndarray):
        return
    if type(value).__module__.startswith(_OURS):  # a context: other threads change what it has
        return
    if isinstance(value, dict | list | tuple) and len(value) <= _MAX_ITEMS:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        yield from ((str(key), item) for key, item in items)
    yield from getattr(value, "__dict__", {}).items()


def _mark(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return type(value), repr(value)
    if isinstance(value, torch.Tensor):
        return id(value), _version(value)
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return id(value), hashlib.sha256(np.ascontiguousarray(value).tobytes()).digest()
    if isinstance(value, dict | list | tuple | set | frozenset):
        return id(value), len(value)
    return id(value)


def _version(tensor: torch.Tensor) -> Any:
    """Something that differs once the tensor was written to."""
    if not tensor.is_inference():
        return version_of(tensor)
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        return None
    # Made in inference mode, it counts no versions: its bytes tell.
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return hashlib.sha256(flat.view(torch.uint8).numpy().tobytes()).digest()


def _join(path: str, name: str) -> str:
    """As people write it: `layer.cache`, not `_modules.layer._buffers.cache`."""
    return path if name in {"_modules", "_buffers", "_parameters"} else f"{path}.{name}"
