"""Whether a forward may run in parts: tried once on a few rows, whole against parts."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from batchprocess.sdk.device.out_of_memory.batch_parts import (
    each_of_rows,
    has_rows,
    join,
    part_of,
    tensors_in,
)
from batchprocess.sdk.device.out_of_memory.forward_state import ForwardState

_FEW_ROWS = (4, 2)
_EXACT, _SINGLE, _HALF = 1e-6, 2e-3, 3e-2
"""How far two runs may lie apart, as a part of the largest value: other sizes, other kernels."""


@dataclass(frozen=True)
class Forward:
    """One call of a model. `run` may be compiled; `plain` does the same and is not."""

    model: torch.nn.Module
    run: Callable[..., Any]
    plain: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def why_not_in_parts(forward: Forward, rows: int, free: Callable[[], None]) -> str | None:
    """None if parts of the batch's `rows` rows give what the whole gives; else what is in the way.

    Runs the model on a few rows; `free` gives memory back if even these do not fit.
    """
    if (found := state_by_design(forward.model)) is not None:
        return found
    if not any(has_rows(one, rows) for one in tensors_in((forward.args, forward.kwargs))):
        return f"no tensor that the model was given has the batch's {rows} rows first"
    for few in (number for number in _FEW_ROWS if number < rows):
        try:
            return _tried(forward, rows, few)
        except torch.OutOfMemoryError:
            pass
        free()
    return "memory is short even for the two rows that would show that parts give the same"


def state_by_design(model: torch.nn.Module) -> str | None:
    """What of a model depends on who else is in the batch, or is told of every call."""
    for name, module in model.named_modules():
        called = f"{type(module).__qualname__} {name!r}" if name else type(module).__qualname__
        if module.training:
            return f"{called} is in train mode"
        hooks = (*module._forward_hooks.values(), *module._forward_pre_hooks.values())
        if module is not model and not all(_is_of_torch(hook) for hook in hooks):
            return f"{called} has a forward hook, which would be called for every part"
    return None


def _is_of_torch(hook: Callable[..., Any]) -> bool:
    """The norms of weights and exported modules have hooks that keep nothing."""
    return (getattr(hook, "__module__", None) or "").startswith("torch.")


def _tried(forward: Forward, rows: int, few: int) -> str | None:
    numbers = [rows * number // few for number in range(few)]
    given = each_of_rows(
        (forward.args, dict(forward.kwargs)), rows, lambda tensor: tensor[numbers].clone()
    )
    if all(_alike(one) for one in tensors_in(given) if has_rows(one, few)):
        return f"its {few} rows that were to show it are all alike"
    if (found := _compared(forward, given, few)) is not None:
        return found
    # Rows of one argument beside other rows of the next: equal first dimensions may be chance.
    # By now, what is made at the first call only has been made.
    given = _rolled(given, few)
    before = ForwardState({_name(forward.model): forward.model, "its arguments": given})
    if (found := _compared(forward, given, few)) is not None:
        return found
    after = ForwardState({_name(forward.model): forward.model, "its arguments": given})
    if not (before.is_whole and after.is_whole):
        return "it holds more objects than can be watched for changes"
    changed = before.first_change(after)
    return None if changed is None else f"a forward changes {changed}"


def _compared(forward: Forward, given: Any, few: int) -> str | None:
    sizes = (1, few - 1)
    try:
        whole = forward.plain(*given[0], **given[1])
        parts = []
        for begin, end in ((0, 1), (1, few)):
            args, kwargs = part_of(given, few, begin, end)
            parts.append(forward.plain(*args, **kwargs))
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # noqa: BLE001  whatever user code raises of so few rows
        return f"a few rows alone raise {type(error).__name__}: {error}"
    try:
        joined = join(parts, sizes)
    except TypeError as error:
        return f"the outputs for parts can't be joined: {error}"
    tolerance = _tolerance(forward.model, whole)
    if all(_same(one, other, tolerance) for one, other in _pairs(whole, joined)):
        return None
    return f"the outputs for {few} rows are others in parts of {sizes[0]} and {sizes[1]}"


def _alike(tensor: torch.Tensor) -> bool:
    return torch.equal(tensor, tensor[:1].expand_as(tensor))


def _rolled(given: Any, few: int) -> Any:
    number = -1

    def roll(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal number
        number += 1
        return tensor.roll(number % few, 0)

    return each_of_rows(given, few, roll)


def _name(model: torch.nn.Module) -> str:
    return type(model).__qualname__


def _tolerance(model: torch.nn.Module, made: Any) -> float:
    kinds = {one.dtype for one in (*model.parameters(), *tensors_in(made))}
    short = any(kind.itemsize < 4 and kind is not torch.bool for kind in kinds)
    if short or torch.is_autocast_enabled("cuda") or torch.is_autocast_enabled("cpu"):
        return _HALF
    return _SINGLE if torch.float32 in kinds else _EXACT


def _pairs(whole: Any, joined: Any) -> Iterator[tuple[Any, Any]]:
    """Each tensor or value of an output with that of the other; what has no pair with None."""
    if type(whole) is type(joined) and isinstance(whole, dict) and whole.keys() == joined.keys():
        for key in whole:
            yield from _pairs(whole[key], joined[key])
    elif isinstance(whole, list | tuple) and len(whole) == len(joined):
        for one, other in zip(whole, joined, strict=True):
            yield from _pairs(one, other)
    elif dataclasses.is_dataclass(whole) and not isinstance(whole, type | dict):
        for one in dataclasses.fields(whole):
            yield from _pairs(getattr(whole, one.name), getattr(joined, one.name))
    else:
        yield whole, joined


def _same(one: Any, other: Any, tolerance: float) -> bool:
    if not (isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor)):
        return type(one) is type(other) and one == other
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not (one.is_floating_point() or one.is_complex()) or one.numel() == 0:
        return torch.equal(one, other)
    largest = float(torch.nan_to_num(one.detach().abs(), nan=0.0, posinf=0.0).max())
    return torch.allclose(one, other, rtol=tolerance, atol=tolerance * largest, equal_nan=True)
