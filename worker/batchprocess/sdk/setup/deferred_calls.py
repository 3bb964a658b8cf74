"""Methods whose call runs nothing yet: `async def`, and functions with `yield`.

With `async def process_batch` batches run beside one another, on one event loop; then hooks may be
coroutine functions too.
"""

import inspect
from functools import partial, partialmethod
from pathlib import Path
from typing import Any

import torch

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.user.processor import TorchBatchProcessor

_TORCH = f"{Path(torch.__file__).parent}/"
_HOOKS = ("on_checkpoint_start", "on_finish")
_COROUTINE, _GENERATOR = "a coroutine function (async def)", "a generator function (it has a yield)"
_MAX_WRAPPERS = 50


def is_concurrent(candidate: Any) -> bool:
    """Whether `process_batch` of a processor, or of its class, is a coroutine function."""
    return _deferred_by(inspect.getattr_static(candidate, "process_batch", None)) == _COROUTINE


def require_kinds(candidate: Any) -> None:
    """Raise InvalidArgument if a method of a processor, or of its class, would run nothing."""
    cls = candidate if isinstance(candidate, type) else type(candidate)
    concurrent = is_concurrent(cls)
    if is_concurrent(candidate) != concurrent:
        raise InvalidArgument(
            f"{cls.__qualname__}.process_batch is {'' if concurrent else 'no '}coroutine function "
            "(async def), and its object has another: define the one that is called in the class"
        )
    for name in ("process_batch", *_HOOKS):
        how = _deferred_by(inspect.getattr_static(candidate, name))
        if how is not None and not (concurrent and how == _COROUTINE):
            raise _refusal(f"{cls.__qualname__}.{name} is {how}", concurrent=concurrent)
    _require_on_start(cls, _deferred_by(inspect.getattr_static(candidate, "on_start")), concurrent)


def _require_on_start(cls: type, how: str | None, concurrent: bool) -> None:
    if inspect.getattr_static(cls, "on_start") is vars(TorchBatchProcessor)["on_start"]:
        return
    if concurrent and how != _COROUTINE:
        raise InvalidArgument(
            f"{cls.__qualname__}.on_start is no coroutine function, and runs on the event loop: "
            "write async def on_start(self)"
        )
    if how == _COROUTINE and not concurrent:
        raise InvalidArgument(
            f"{cls.__qualname__}.on_start is called only where process_batch is a coroutine "
            "function (async def): do the same in __init__"
        )


def refuse_deferred(name: str, returned: Any) -> None:
    """Raise InvalidArgument for what a method that only wraps such a one has returned.

    Whether a wrapper runs what it wraps is not to be seen before.
    """
    if inspect.iscoroutine(returned) or inspect.isgenerator(returned):
        returned.close()  # else Python warns that nobody has awaited it
    elif not inspect.isasyncgen(returned):
        return
    raise _refusal(f"{name} has returned an object of {type(returned).__qualname__}")


def _refusal(what: str, *, concurrent: bool = False) -> InvalidArgument:
    remedy = "write a plain method, and give coroutines to asyncio.run in it"
    if concurrent:
        remedy = "write async def or a plain method, without a yield"
    elif "process_batch" in what:
        remedy += ", or write async def process_batch, decorators included"
    return InvalidArgument(
        f"{what}, so a call of it runs nothing, and no row would be processed: {remedy}"
    )


def _deferred_by(method: Any) -> str | None:
    function = _behind(method)
    of_type = inspect.getattr_static(type(function), "__call__", None)
    called = function if inspect.isroutine(function) else of_type
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
        return _COROUTINE
    if inspect.isasyncgenfunction(called) or inspect.isgeneratorfunction(called):
        return _GENERATOR
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
