"""A method whose call would run nothing is refused before anything is claimed."""

import asyncio
import functools
from typing import Any

import pytest
import torch

from batchprocess import TorchBatchProcessor
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.setup.check_call import require_processor_class
from batchprocess.sdk.setup.deferred_calls import is_concurrent, require_kinds
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


COROUTINES = {
    "async def": awaited,
    "a static method": staticmethod(awaited),
    "a partial": functools.partial(awaited, None),
    "a partial method": functools.partialmethod(awaited, batch_idx=3),
    "without gradients": torch.inference_mode()(awaited),
    "with autocast": torch.autocast("cpu", dtype=torch.bfloat16)(awaited),
    "a callable object": CallableObject(),
}
GENERATORS = {
    "yield": yields,
    "both": both,
    "a class method": classmethod(yields),
    "a static partial of a partial": staticmethod(
        functools.partial(functools.partial(yields, None))
    ),
    "a generator without gradients": torch.no_grad()(yields),
}
HOOKS = ["on_checkpoint_start", "on_finish"]


@pytest.mark.parametrize("name", ["process_batch", *HOOKS])
@pytest.mark.parametrize("kind", GENERATORS)
def test_a_generator_is_refused_by_name(kind: str, name: str) -> None:
    made = type("Deferred", (Sound,), {name: GENERATORS[kind]})
    for cls in (made, type("Heir", (made,), {})):
        with pytest.raises(
            InvalidArgument, match=rf"{cls.__qualname__}\.{name} is a generator fun"
        ):
            require_processor_class(cls)


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("kind", COROUTINES)
def test_a_hook_may_be_a_coroutine_only_where_process_batch_is_one(kind: str, name: str) -> None:
    made = type("Deferred", (Sound,), {name: COROUTINES[kind]})
    with pytest.raises(InvalidArgument, match=rf"{made.__qualname__}\.{name} is a coroutine funct"):
        require_processor_class(made)
    require_kinds(type("Both", (made,), {"process_batch": awaited}))
    with pytest.raises(InvalidArgument, match="on_finish is a generator function"):
        require_kinds(type("Both", (made,), {"process_batch": awaited, "on_finish": yields}))


@pytest.mark.parametrize("kind", COROUTINES)
def test_batches_run_beside_one_another_where_process_batch_is_a_coroutine(kind: str) -> None:
    made = type("Concurrent", (Sound,), {"process_batch": COROUTINES[kind]})
    assert is_concurrent(made)
    assert is_concurrent(type("Heir", (made,), {}))
    require_kinds(made)
    assert not is_concurrent(Sound)


def test_one_that_init_has_given_the_object_is_refused() -> None:
    processor = Sound(None)
    processor.process_batch = awaited.__get__(processor)  # type: ignore[method-assign]
    with pytest.raises(InvalidArgument, match="Sound.process_batch is no coroutine function"):
        require_kinds(processor)


def test_on_start_is_a_coroutine_of_a_class_whose_process_batch_is_one() -> None:
    with pytest.raises(InvalidArgument, match="on_start is called only where process_batch is a"):
        require_kinds(type("Sync", (Sound,), {"on_start": awaited}))
    require_kinds(type("Own", (Sound,), {"on_start": lambda self: None}))  # a method of its own
    concurrent = {"process_batch": awaited}
    with pytest.raises(InvalidArgument, match="on_start is no coroutine function"):
        require_kinds(type("Plain", (Sound,), {**concurrent, "on_start": lambda self: None}))
    require_kinds(type("Both", (Sound,), {**concurrent, "on_start": awaited}))


def test_on_checkpoint_start_may_ask_for_its_batches_only_there() -> None:
    told = {"on_checkpoint_start": lambda self, first, end: None}
    require_processor_class(type("Told", (Sound,), {**told, "process_batch": awaited}))
    with pytest.raises(InvalidArgument, match="cannot be called"):
        require_processor_class(type("Sync", (Sound,), told))


@pytest.mark.slow
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
