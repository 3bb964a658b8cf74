"""What `context.wrap_reducer` does: a reducer by its name, once."""

from collections.abc import Callable
from typing import Any

from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.reduce.reducers import FunctionReducer, MetricReducer
from batchprocess.sdk.reduce.registered import RegisteredReducer
from batchprocess.sdk.user.labels import check_label


def register(
    pending: PendingOutputs, reducer: MetricReducer | Callable[[list[Any]], Any], name: str | None
) -> MetricReducer:
    """The reducer, from now on a part of every commit; RuntimeError outside of `__init__`."""
    if not pending.in_init:
        raise RuntimeError("wrap_reducer may be called in __init__ only")
    if name is not None and any(one.name == name for one in pending.reducers):
        raise ValueError(f"a reducer named {name!r} exists already: names must be unique")
    check_label(name)
    if not (isinstance(reducer, MetricReducer) or callable(reducer)):
        kind = type(reducer).__qualname__
        raise TypeError(f"wrap_reducer takes a MetricReducer or a function, not a {kind}")
    made = reducer if isinstance(reducer, MetricReducer) else FunctionReducer(reducer)
    made.reset()
    pending.reducers.append(RegisteredReducer(made, name, len(pending.reducers)))
    return pending.handed_out(made)
