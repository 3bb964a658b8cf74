"""Running a model in parts when the GPU's memory does not hold a whole batch. Knows no model."""

import logging
from collections.abc import Callable
from typing import Any

import torch

from batchprocess.sdk.device.out_of_memory.batch_parts import (
    has_rows,
    join,
    leaves_of,
    part_of,
)
from batchprocess.sdk.device.out_of_memory.fitting import Memory, Shortage
from batchprocess.sdk.device.out_of_memory.split_proof import Forward, why_not_in_parts
from batchprocess.sdk.device.tensor_trees import each

_LOG = logging.getLogger("batchprocess")


class OomSplitter:
    """Runs forwards of one model; after an OutOfMemoryError with fewer rows at a time, for good.

    Split are tensors that have the rows of the batch in work first, which `rows` tells (None
    between batches), once a few rows have shown that parts give what the whole gives. All else is
    passed as it is; outputs are joined again. `free` gives memory back before a retry.
    """

    def __init__(
        self,
        free: Callable[[], None],
        rows: Callable[[], int | None],
        memory: Memory | None = None,
    ) -> None:
        self._free, self._rows, self._memory = free, rows, memory
        self.safe: int | None = None
        self._why_not: dict[Any, str | None] = {}
        self._warned_of: int | None = None

    def __call__(self, forward: Forward) -> Any:
        """The model's output, made in parts if it must be.

        Raises OutOfMemoryError if one row does not fit, or if parts would give something else.
        """
        rows = self._rows()
        # Not proven before the first failure: that might change what the model keeps.
        if rows is not None and rows > (self.safe or rows) and self._is_proven(forward, rows):
            return self._in_parts(forward, rows)
        try:
            return forward.run(*forward.args, **forward.kwargs)
        except torch.OutOfMemoryError as error:
            if rows is None:
                raise
            short, text = Shortage.measured(error, rows, self._memory), str(error)
        # Behind the except block: the error's traceback held the tensors of the failed call.
        self._free()
        if (reason := self._reason(forward, rows)) is not None:
            raise torch.OutOfMemoryError(
                f"{short}. The batch can't be split: {reason}; give a smaller batch_size. {text}"
            )
        self._halve(rows)
        return self._in_parts(forward, rows)

    def _is_proven(self, forward: Forward, rows: int) -> bool:
        way = _way_of(forward, rows)
        return way is not None and way in self._why_not and self._why_not[way] is None

    def _reason(self, forward: Forward, rows: int) -> str | None:
        """Why not in parts; tried once for each way in which the model is called."""
        way = _way_of(forward, rows)
        if way is not None and way in self._why_not:
            return self._why_not[way]
        found = why_not_in_parts(forward, rows, self._free)
        if way is not None:
            self._why_not[way] = found
        return found

    def _in_parts(self, forward: Forward, rows: int) -> Any:
        made: list[Any] = []
        sizes: list[int] = []
        begin = 0
        while begin < rows:
            size = min(self.safe or rows, rows - begin)
            part = self._part(forward, rows, begin, begin + size)
            if part is _FAILED:
                self._halve(size)
                continue
            made.append(each(part, _alone))
            del part
            sizes.append(size)
            begin += size
        try:
            joined = join(made, sizes)
        except TypeError as error:
            raise torch.OutOfMemoryError(
                f"the batch of {rows} rows needs more GPU memory than there is, and the model's "
                f"outputs for parts of it can't be joined: {error}; use a smaller batch_size"
            ) from error
        self._warn_once(rows)
        return joined

    def _part(self, forward: Forward, rows: int, begin: int, end: int) -> Any:
        args, kwargs = part_of((forward.args, dict(forward.kwargs)), rows, begin, end)
        try:
            return forward.run(*args, **kwargs)
        except torch.OutOfMemoryError:
            if end - begin < 2:
                raise
        self._free()
        return _FAILED

    def _halve(self, rows: int) -> None:
        self.safe = (rows + 1) // 2

    def _warn_once(self, rows: int) -> None:
        if self._warned_of == self.safe:
            return
        self._warned_of = self.safe
        _LOG.warning(
            "the GPU's memory does not hold %d rows in the model at once: going on with %d at a "
            "time; a batch_size of %d saves the splitting",
            rows,
            self.safe,
            self.safe,
        )


_FAILED = object()
_PLAIN = str | bytes | int | float | bool | torch.dtype | torch.device | None


def _way_of(forward: Forward, rows: int) -> tuple[Any, ...] | None:
    """Equal for calls that differ in their tensors' values only.

    None for one with an object whose values nobody can compare: a proof holds for that call only.
    """
    leaves = list(leaves_of((forward.args, dict(forward.kwargs))))
    if not all(isinstance(one, torch.Tensor | _PLAIN) for _, one in leaves):
        return None
    return tuple((path, _leaf(one, rows)) for path, one in leaves)


def _leaf(one: Any, rows: int) -> tuple[Any, ...]:
    if isinstance(one, torch.Tensor):
        return has_rows(one, rows), one.dim(), one.dtype
    return type(one), repr(one)


def _alone(tensor: torch.Tensor) -> torch.Tensor:
    """Without the memory that it is only a view of: that is what the next part needs."""
    return tensor.clone() if tensor.untyped_storage().nbytes() > tensor.nbytes else tensor
