"""Running a model in parts when the GPU's memory does not hold a whole batch. Knows no model."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch

from batchprocess.sdk.device.batch_parts import join, part_of, rows_of
from batchprocess.sdk.device.tensor_trees import each

_LOG = logging.getLogger("batchprocess")

Run = Callable[..., Any]


class OomSplitter:
    """Calls a function of batches; after an OutOfMemoryError with fewer rows at a time, for good.

    Every tensor whose first dimension is the batch's is split, in lists, tuples and dicts too, all
    else is passed as it is; outputs are joined again. `free` gives memory back before a retry.
    """

    def __init__(self, free: Callable[[], None]) -> None:
        self._free = free
        self.safe: int | None = None
        self._warned_of: int | None = None

    def __call__(self, run: Run, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """`run(*args, **kwargs)`, in parts if it must be.

        Raises OutOfMemoryError if one row does not fit, or the outputs can't be joined.
        """
        rows = rows_of((args, kwargs))
        if rows is None:
            return run(*args, **kwargs)
        if self.safe is None or rows <= self.safe:
            made = self._try(run, args, kwargs)
            if made is not _FAILED:
                return made
            self._halve(rows)
        made = self._in_parts(run, (args, kwargs), rows)
        self._warn_once(rows)
        return made

    def _in_parts(self, run: Run, given: Any, rows: int) -> Any:
        made: list[Any] = []
        sizes: list[int] = []
        begin = 0
        while begin < rows:
            size = min(self.safe or rows, rows - begin)
            args, kwargs = part_of(given, rows, begin, begin + size)
            part = self._try(run, args, kwargs)
            if part is _FAILED:
                self._halve(size)
                continue
            made.append(each(part, _alone))
            del part
            sizes.append(size)
            begin += size
        try:
            return join(made, sizes)
        except TypeError as error:
            raise torch.OutOfMemoryError(
                f"the batch of {rows} rows needs more GPU memory than there is, and the model's "
                f"outputs for parts of it can't be joined: {error}; use a smaller batch_size"
            ) from error

    def _try(self, run: Run, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        try:
            return run(*args, **kwargs)
        except torch.OutOfMemoryError:
            if (rows_of((args, kwargs)) or 1) < 2:
                raise
        # Behind the except block: the error's traceback held the tensors of the failed call.
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


def _alone(tensor: torch.Tensor) -> torch.Tensor:
    """Without the memory that it is only a view of: that is what the next part needs."""
    return tensor.clone() if tensor.untyped_storage().nbytes() > tensor.nbytes else tensor
