"""Metric reducers: values over all shards, whatever the interruptions.

A reducer's value is stored with every commit, so what was updated before a restart is not lost.
The result equals that of an uninterrupted run for

- functions: they get one flat list of all updates, in dataset order;
- classes whose result does not depend on how rows are grouped into slots (sums, counts, maxima);
- classes with `state_dict()` and `load_state_dict()`: the state goes on in the next attempt.

For any other class (a mean of per-slot means, say) an interruption adds a slot. An attempt without
a batch (of an empty shard, or one that has only `on_finish` left) adds none if `per_slot_reduce`
raises there. What is updated in `__init__` counts once a shard, with its first commit.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any


class MetricReducer(ABC):
    """Accumulates over batches, then over slots (one slot per attempt on a shard)."""

    @abstractmethod
    def reset(self) -> None:
        """Forget everything; called before the first update.

        In an attempt that goes on with a shard, also after `__init__`: what was updated there is in
        the shard's first commit.
        """

    @abstractmethod
    def update(self, *args: Any, **kwargs: Any) -> None:
        """Take in something; called by user code, as often as it likes."""

    @abstractmethod
    def per_slot_reduce(self) -> Any:
        """The slot's value so far: JSON, tuple, bytes, numpy or tensor; not changed by the call."""

    @abstractmethod
    def cross_slot_reduce(self, per_slot_metrics: list[Any]) -> Any:
        """The result from all slots' values, ordered by shard, then by attempt."""


class FunctionReducer(MetricReducer):
    """A reducer made of a function of all updates."""

    def __init__(self, function: Callable[[list[Any]], Any]) -> None:
        self._function = function
        self._updates: list[Any] = []
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Forget the updates."""
        self._updates = []

    def update(self, value: Any) -> None:
        """Take in one value; from any thread."""
        with self._lock:
            self._updates.append(value)

    def drain_updates(self) -> list[Any]:
        """The updates since the last call: a commit holds only what is new."""
        with self._lock:
            taken, self._updates = self._updates, []
        return taken

    def per_slot_reduce(self) -> list[Any]:
        """The updates since the last commit."""
        return list(self._updates)

    def cross_slot_reduce(self, per_slot_metrics: list[list[Any]]) -> Any:
        """The function of one flat list, in dataset order."""
        return self._function([value for slot in per_slot_metrics for value in slot])
