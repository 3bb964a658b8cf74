"""Coroutines of user code, looked at step by step."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import torch

from batchprocess.sdk.attempt.concurrent.event_loop import EventLoop
from batchprocess.sdk.attempt.concurrent.steps import StateChanged, Steps


def run(main: Callable[[], Coroutine[Any, Any, Any]], steps: Steps | None = None) -> Any:
    events = EventLoop(steps or Steps())

    async def outer() -> Any:
        return await asyncio.get_running_loop().create_task(main())

    try:
        return events.run(outer)
    finally:
        events.close()


def test_tasks_of_tasks_give_raise_and_are_cancelled_as_any_others() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("inner")

    async def main() -> str:
        with pytest.raises(KeyError, match="inner"):
            await asyncio.create_task(fails())
        waits = asyncio.create_task(asyncio.sleep(60), name="waits")
        await asyncio.sleep(0)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0.01))
        task = asyncio.create_task(fails())
        assert inspect.getattr_static(task.get_coro(), "send") is not None
        assert task.get_stack()[0].f_code.co_name == "fails"
        await asyncio.wait([task])
        assert isinstance(task.exception(), KeyError)
        return "given"

    assert run(main) == "given"


def test_a_changed_state_is_found_in_a_task_that_a_task_has_started_and_set_back() -> None:
    seen: list[bool] = []

    async def looks() -> None:
        for _ in range(5):
            seen.append(torch.is_grad_enabled())
            await asyncio.sleep(0)

    async def holds() -> None:
        with torch.enable_grad():
            await asyncio.sleep(0)

    async def main() -> None:
        looking = asyncio.create_task(looks())
        with pytest.raises(StateChanged, match="holds has changed the grad mode"):
            await asyncio.create_task(holds())
        await looking

    run(main)
    assert seen == [False] * 5


def test_a_state_that_is_left_changed_at_the_end_is_found_too() -> None:
    async def leaves() -> None:
        torch.set_autocast_enabled("cpu", True)

    async def main() -> None:
        with pytest.raises(StateChanged, match="leaves has changed autocast"):
            await asyncio.create_task(leaves())

    run(main)
    assert not torch.is_autocast_enabled("cpu")


def test_seconds_are_those_of_the_steps_and_not_of_what_they_wait_for() -> None:
    now = [0.0]
    steps = Steps(lambda: now[0])

    async def works() -> None:
        now[0] += 0.5
        await asyncio.sleep(0.01)
        now[0] += 0.25

    run(works, steps)
    assert steps.seconds == pytest.approx(0.75)


def test_only_the_first_coroutine_that_holds_the_loop_for_long_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    steps = Steps()
    for _ in range(20):
        steps.note("short", 0.09)
    for _ in range(20):
        steps.note("long", 0.3)
        steps.note("other", 0.3)
    (said,) = caplog.messages
    assert said.startswith("long holds the event loop for 0.30 s at a time:")
