"""The loop of coroutines, where another runs already, and its end."""

import asyncio
import contextvars
import os
import signal
import threading
import time

import pytest
import torch

from batchprocess.sdk.attempt.concurrent.event_loop import EventLoop
from batchprocess.sdk.attempt.concurrent.steps import Steps


async def thread() -> int:
    return threading.get_ident()


def test_it_is_in_the_thread_of_the_call_unless_a_loop_runs_there() -> None:
    events = EventLoop(Steps())
    assert events.run(thread) == threading.get_ident()
    events.close()

    async def cell() -> None:
        inner = EventLoop(Steps())
        first, second = inner.run(thread), inner.run(thread)
        assert first == second != threading.get_ident()
        inner.close()

    asyncio.run(cell())


def test_what_runs_goes_on_at_the_next_call_and_ends_with_the_loop() -> None:
    events, seen = EventLoop(Steps()), list[str]()

    async def engine() -> None:
        try:
            while True:
                seen.append("step")
                await asyncio.sleep(0.001)
        finally:
            seen.append("end")

    async def start() -> None:
        seen.append("start")
        events.kept = asyncio.create_task(engine())  # type: ignore[attr-defined]

    async def wait() -> None:
        await asyncio.sleep(0.02)

    events.run(start)
    events.run(wait)
    assert seen.count("step") > 1
    events.close()
    events.close()
    assert seen[-1] == "end"


def test_a_task_that_refuses_to_end_is_left_after_some_seconds(monkeypatch) -> None:
    monkeypatch.setattr("batchprocess.sdk.attempt.concurrent.event_loop._END_SECONDS", 0.1)
    events = EventLoop(Steps())

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    async def start() -> None:
        events.kept = asyncio.create_task(stubborn())  # type: ignore[attr-defined]
        await asyncio.sleep(0)

    events.run(start)
    began = time.monotonic()
    events.close()
    assert time.monotonic() - began < 30


def test_a_ctrl_c_where_a_loop_runs_already_ends_what_runs_in_the_other_thread() -> None:
    ended: list[str] = []
    known: contextvars.ContextVar[str] = contextvars.ContextVar("known", default="nothing")

    async def main() -> None:
        await asyncio.sleep(0.2)  # the thread of the call waits for this one by then
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(known.get())

    async def cell() -> None:
        known.set("what the cell knows")
        events = EventLoop(Steps())
        with pytest.raises(KeyboardInterrupt):
            events.run(main)
        events.close()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    outer = asyncio.new_event_loop()
    outer.run_until_complete(cell())
    outer.close()
    signal.signal(signal.SIGINT, before)
    assert ended == ["what the cell knows"]


def test_gradients_are_off_in_it_and_as_before_behind_it() -> None:
    async def gradients() -> bool:
        return torch.is_grad_enabled()

    events = EventLoop(Steps())
    assert not events.run(gradients)
    assert torch.is_grad_enabled()
    events.close()


def test_gradients_are_off_in_its_thread_and_in_those_that_calls_are_given_to() -> None:
    async def main() -> list[bool]:
        return [torch.is_grad_enabled(), await asyncio.to_thread(torch.is_grad_enabled)]

    loop = EventLoop(Steps())
    assert loop.run(main) == [False, False]
    loop.close()
    assert torch.is_grad_enabled()
