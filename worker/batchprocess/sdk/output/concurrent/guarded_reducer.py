"""A reducer that takes in only what counts, where batches run beside one another."""

import contextlib
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from batchprocess.sdk.reduce.reducers import MetricReducer

_GIVEN: ContextVar[bool] = ContextVar("batchprocess_given_to_reducer", default=False)


def give(reducer: MetricReducer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Have it take in an update that counts."""
    token = _GIVEN.set(True)
    try:
        reducer.update(*args, **kwargs)
    finally:
        _GIVEN.reset(token)


def guard(reducer: MetricReducer) -> None:
    """Have an update that user code gives to the reducer itself refused: it would be in any commit,
    and in two after a restart.
    """
    kind: Any = type(reducer)

    def update(self: Any, *args: Any, **kwargs: Any) -> None:
        if not _GIVEN.get():
            raise RuntimeError(
                f"{kind.__qualname__}.update was called on the reducer itself: beside an async def "
                "process_batch call update of what context.wrap_reducer has returned, which knows "
                "the batch"
            )
        kind.update(self, *args, **kwargs)

    of_kind = {"update": update, "__slots__": (), "__module__": kind.__module__}
    with contextlib.suppress(TypeError):  # a class that nobody can derive from
        guarded = type(kind)(kind.__name__, (kind,), of_kind)
        guarded.__qualname__ = kind.__qualname__
        reducer.__class__ = guarded
