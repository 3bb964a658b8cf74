"""Running a model in parts when the GPU's memory does not hold a whole batch. Knows no model."""

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from batchprocess.sdk.device.tensor_trees import each, rebuilt

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
        self._said: int | None = None

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
        self._say(rows)
        return made

    def _in_parts(self, run: Run, given: Any, rows: int) -> Any:
        made: list[Any] = []
        sizes: list[int] = []
        begin = 0
        while begin < rows:
            size = min(self.safe or rows, rows - begin)
            args, kwargs = _part(given, rows, begin, begin + size)
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

    def _say(self, rows: int) -> None:
        if self._said == self.safe:
            return
        self._said = self.safe
        _LOG.warning(
            "the GPU's memory does not hold %d rows in the model at once: going on with %d at a "
            "time; a batch_size of %d saves the splitting",
            rows,
            self.safe,
            self.safe,
        )


_FAILED = object()
_PLAIN = str | int | float | bool


def _alone(tensor: torch.Tensor) -> torch.Tensor:
    """Without the memory that it is only a view of: that is what the next part needs."""
    return tensor.clone() if tensor.untyped_storage().nbytes() > tensor.nbytes else tensor


def rows_of(given: Any) -> int | None:
    """First dimension of the first tensor that has one; None if there is none to split."""
    return next((t.shape[0] for t in _tensors(given) if t.dim() and t.shape[0] > 0), None)


def join(parts: Sequence[Any], sizes: Sequence[int]) -> Any:
    """The outputs for parts of `sizes` rows as the output for all.

    Tensors with one row first, alone or in lists, tuples, dicts, dataclasses and Hugging Face
    outputs; other values if they are the same for all parts. TypeError names what can't be joined.
    """
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return _concatenate(parts, sizes)
    if isinstance(first, dict):
        joined = {key: join([part[key] for part in parts], sizes) for key in first}
        return rebuilt(first, joined)
    if isinstance(first, list | tuple):
        _check_items(parts, sizes)
        columns = [join(column, sizes) for column in zip(*parts, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else type(first)(columns)
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        names = [one.name for one in dataclasses.fields(first)]
        return type(first)(**{n: join([getattr(part, n) for part in parts], sizes) for n in names})
    if isinstance(first, _PLAIN | None) and all(part == first for part in parts):
        return first
    raise TypeError(f"a {type(first).__qualname__} among them")


def _check_items(parts: Sequence[Any], sizes: Sequence[int]) -> None:
    """Items are of all rows together, not of one row each, which would be lost but for a part's."""
    kind, lengths = type(parts[0]).__qualname__, [len(part) for part in parts]
    if len(set(lengths)) > 1:
        raise TypeError(f"a {kind} of another length for each part")
    if lengths == list(sizes) and all(isinstance(item, _PLAIN) for item in parts[0]):
        raise TypeError(f"a {kind} with one value for each row")


def _concatenate(parts: Sequence[Any], sizes: Sequence[int]) -> torch.Tensor:
    for part, size in zip(parts, sizes, strict=True):
        if part.dim() == 0 or part.shape[0] != size:
            raise TypeError(f"a tensor of shape {tuple(part.shape)} for {size} rows")
    return torch.cat(list(parts))


def _part(given: Any, rows: int, begin: int, end: int) -> Any:
    if isinstance(given, torch.Tensor):
        return given[begin:end] if given.dim() and given.shape[0] == rows else given
    if isinstance(given, list | tuple):
        parts = [_part(item, rows, begin, end) for item in given]
        return type(given)(*parts) if hasattr(given, "_fields") else type(given)(parts)
    if isinstance(given, dict):
        items = {key: _part(item, rows, begin, end) for key, item in given.items()}
        return rebuilt(given, items)
    return given


def _tensors(given: Any) -> Iterator[torch.Tensor]:
    if isinstance(given, torch.Tensor):
        yield given
    elif isinstance(given, list | tuple):
        for item in given:
            yield from _tensors(item)
    elif isinstance(given, dict):
        for item in given.values():
            yield from _tensors(item)
