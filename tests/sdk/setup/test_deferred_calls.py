"""A method whose call would run nothing is refused before anything is claimed."""

import asyncio
import functools
from typing import Any

import pytest
import torch

from batchprocess import TorchBatchProcessor
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.setup.check_call import require_processor_class
from batchprocess.sdk.setup.deferred_calls import require_immediate
from support.script_runs import Alone, alone

__all__ = ["alone"]


class Sound(TorchBatchProcessor):
    def __init__(self, context: Any) -> None:
        pass

    def process_batch(self, batch: Any, batch_idx: int) -> None:
        pass


async def awaited(self: Any, batch: Any = None, batch_idx: int = 0) -> None:
    raise AssertionError("nobody awaits it")


def yields(self: Any, batch: Any = None, batch_idx: int = 0) -> Any:
    raise AssertionError("nobody iterates over it")
    yield


async def both(self: Any, batch: Any = None, batch_idx: int = 0) -> Any:
    yield


class CallableObject:
    async def __call__(self, batch: Any, batch_idx: int) -> None:
        pass


def wrapped(function: Any) -> Any:
    """Nobody sees from outside what becomes of the coroutine."""

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return function(*arguments)

    return call


def run_to_its_end(function: Any) -> Any:
    @functools.wraps(function)
    def call(*arguments: Any) -> None:
        asyncio.run(function(*arguments))

    return call


REFUSED = {
    "async def": awaited,
    "yield": yields,
    "both": both,
    "a static method": staticmethod(awaited),
    "a class method": classmethod(yields),
    "a partial": functools.partial(awaited, None),
    "a partial method": functools.partialmethod(awaited, batch_idx=3),
    "a static partial of a partial": staticmethod(
        functools.partial(functools.partial(yields, None))
    ),
    "without gradients": torch.inference_mode()(awaited),
    "a generator without gradients": torch.no_grad()(yields),
    "with autocast": torch.autocast("cpu", dtype=torch.bfloat16)(awaited),
    "a callable object": CallableObject(),
}


@pytest.mark.parametrize("name", ["process_batch", "on_checkpoint_start", "on_finish"])
@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_by_name(kind: str, name: str) -> None:
    made = type("Deferred", (Sound,), {name: REFUSED[kind]})
    for cls in (made, type("Heir", (made,), {})):
        with pytest.raises(InvalidArgument, match=rf"{cls.__qualname__}\.{name} is a \w+ function"):
            require_processor_class(cls)


def test_so_is_one_that_init_has_given_the_object() -> None:
    processor = Sound(None)
    processor.process_batch = awaited.__get__(processor)  # type: ignore[method-assign]
    with pytest.raises(InvalidArgument, match="Sound.process_batch is a coroutine function"):
        require_immediate(processor)


@pytest.mark.parametrize("kind", [awaited, yields, both])
@pytest.mark.parametrize("name", ["process_batch", "on_checkpoint_start", "on_finish"])
@pytest.mark.filterwarnings("error")
def test_one_in_a_wrapper_is_refused_once_it_is_called(alone: Alone, name: str, kind: Any) -> None:
    made = type("Wrapped", (Sound,), {name: wrapped(kind)})
    with pytest.raises(InvalidArgument, match=f"{name} has returned an object of"):
        alone.run(made, list(range(8)))


def test_what_runs_is_taken(alone: Alone) -> None:
    ran: list[int] = []

    async def counts(self: Any, batch: Any, batch_idx: int) -> None:
        ran.append(batch_idx)

    alone.run(type("Runs", (Sound,), {"process_batch": run_to_its_end(counts)}), list(range(8)))
    assert ran == [0, 1]
    require_processor_class(type("Static", (Sound,), {"process_batch": staticmethod(print)}))
