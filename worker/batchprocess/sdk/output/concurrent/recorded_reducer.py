"""What `wrap_reducer` hands out where batches run beside one another."""

from collections.abc import Callable
from typing import Any, NoReturn

from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs
from batchprocess.sdk.output.concurrent.guarded_reducer import give, guard
from batchprocess.sdk.reduce.reducers import MetricReducer


class RecordedReducer(MetricReducer):
    """Keeps what `update` is given with the batch that gives it, copied in the call.

    The reducer itself has the updates of the batches that count, in their order. `here` gives the
    batch of a call, None where the reducer is to have the value at once.
    """

    def __init__(self, reducer: MetricReducer, here: Callable[[str], BatchOutputs | None]) -> None:
        self._reducer, self._here = reducer, here
        guard(reducer)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Take in something, once the batch counts."""
        batch = self._here("update of a reducer")
        if batch is None:
            give(self._reducer, args, kwargs)
        else:
            batch.update(self._reducer, args, kwargs)

    def per_slot_reduce(self) -> Any:
        """Of the batches that count by now."""
        return self._reducer.per_slot_reduce()

    def cross_slot_reduce(self, per_slot_metrics: list[Any]) -> Any:
        """As the reducer does."""
        return self._reducer.cross_slot_reduce(per_slot_metrics)

    def reset(self) -> NoReturn:
        """RuntimeError: batches are under way."""
        raise RuntimeError("a reducer cannot be reset while batches are under way")

    def __getattr__(self, name: str) -> NoReturn:
        kind = type(self.__dict__.get("_reducer")).__qualname__
        raise AttributeError(
            f"{kind}.{name} is not to be had beside an async def process_batch: a reducer takes "
            "values there by update(...) alone, which are given to it in the order of batches"
        )
