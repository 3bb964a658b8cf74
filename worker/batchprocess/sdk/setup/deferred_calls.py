"""Methods whose call runs nothing yet: `async def`, and functions with `yield`."""

import inspect
from functools import partial, partialmethod
from pathlib import Path
from typing import Any

import torch

from batchprocess.protocol.errors import InvalidArgument

_TORCH = f"{Path(torch.__file__).parent}/"
_CALLED = ("process_batch", "on_checkpoint_start", "on_finish")
_MAX_WRAPPERS = 50


def require_immediate(candidate: Any) -> None:
    """Raise InvalidArgument if a method of a processor, or of its class, would run nothing."""
    cls = candidate if isinstance(candidate, type) else type(candidate)
    for name in _CALLED:
        how = _deferred_by(inspect.getattr_static(candidate, name))
        if how is not None:
            raise _refusal(f"{cls.__qualname__}.{name} is {how}")


def refuse_deferred(name: str, returned: Any) -> None:
    """Raise InvalidArgument for what a method that only wraps such a one has returned.

    Whether a wrapper runs what it wraps is not to be seen before.
    """
    if inspect.iscoroutine(returned) or inspect.isgenerator(returned):
        returned.close()  # else Python warns that nobody has awaited it
    elif not inspect.isasyncgen(returned):
        return
    raise _refusal(f"{name} has returned an object of {type(returned).__qualname__}")


def _refusal(what: str) -> InvalidArgument:
    return InvalidArgument(
        f"{what}, so a call of it runs nothing, and no row would be processed: write a plain "
        "method, and give coroutines to asyncio.run in it"
    )


def _deferred_by(method: Any) -> str | None:
    function = _behind(method)
    of_type = inspect.getattr_static(type(function), "__call__", None)
    called = function if inspect.isroutine(function) else of_type
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
        return "a coroutine function (async def)"
    if inspect.isasyncgenfunction(called) or inspect.isgeneratorfunction(called):
        return "a generator function (it has a yield)"
    return None


def _behind(method: Any) -> Any:
    """What is called at last, where that is certain: torch's wrappers call what they wrap."""
    for _ in range(_MAX_WRAPPERS):
        if isinstance(method, staticmethod | classmethod):
            method = method.__func__
        elif isinstance(method, partial | partialmethod):
            method = method.func
        elif inspect.ismethod(method):
            method = method.__func__
        elif _is_torchs_wrapper(method):
            method = method.__wrapped__
        else:
            break
    return method


def _is_torchs_wrapper(method: Any) -> bool:
    code = getattr(method, "__code__", None)
    return hasattr(method, "__wrapped__") and str(getattr(code, "co_filename", "")).startswith(
        _TORCH
    )
