"""The event loop that user code's coroutines run on, in the thread that has called us."""

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import torch

from batchprocess.sdk.attempt.concurrent.steps import Steps

_LOG = logging.getLogger("batchprocess")
_END_SECONDS = 5.0
Value = TypeVar("Value")


class EventLoop:
    """Made at its first use. Where a loop runs in the thread already, as in a notebook, another
    thread is used: two loops of one thread cannot run inside of each other.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[Any] | None = None
        self._main: asyncio.Task[Any] | None = None

    def run(self, main: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """Until `main` has ended; what else runs on the loop goes on at the next call."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._loop.set_task_factory(self._steps.task)
            self._loop.set_default_executor(_threads())
            if _has_running_loop():
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="batchprocess-loop")
        if self._thread is None:
            return self._run(self._loop, main)
        run = contextvars.copy_context().run
        running: Future[Value] = self._thread.submit(run, self._run, self._loop, main)
        self._running = running
        try:
            return running.result()
        except BaseException:
            self._end_running(self._loop)
            raise

    def close(self) -> None:
        """End what still runs on it, within seconds; what it raises is only logged."""
        if self._loop is None or self._loop.is_closed():
            return
        if self._running is not None and not self._running.done():
            _LOG.warning("a coroutine holds the event loop, and is left to the end of the process")
            return
        try:
            self.run(self._end_tasks)
        except Exception as error:  # noqa: BLE001  results are durable, or another error is raised
            _LOG.warning("what still ran on the event loop ended with %r", error)
        self._loop.close()
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    def _end_running(self, loop: asyncio.AbstractEventLoop) -> None:
        """Of the other thread: a Ctrl-C comes to this one, which waits for it."""
        if self._running is None or self._running.done():
            return
        if self._main is not None:
            loop.call_soon_threadsafe(self._main.cancel)
        wait([self._running], _END_SECONDS)

    def _run(
        self, loop: asyncio.AbstractEventLoop, main: Callable[[], Coroutine[Any, Any, Value]]
    ) -> Value:
        # As in the loop over single batches user code meets no state of torch but its own.
        with torch.no_grad():
            # Not by the factory: this is no user code.
            task = asyncio.Task(main(), loop=loop, context=contextvars.copy_context())
            self._main = task
            try:
                return loop.run_until_complete(task)
            finally:
                if not task.done():  # the loop was ended by SystemExit or Ctrl-C in some task
                    task.cancel()

    async def _end_tasks(self) -> None:
        mine = asyncio.current_task()
        tasks = [one for one in asyncio.all_tasks() if one is not mine]
        for one in tasks:
            one.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_END_SECONDS)
        for one in tasks:
            if one.done() and not one.cancelled():
                one.exception()  # asked for, so that asyncio does not print it
        await asyncio.wait_for(asyncio.get_running_loop().shutdown_asyncgens(), _END_SECONDS)


def _threads() -> ThreadPoolExecutor:
    """For `asyncio.to_thread`: gradients are off there too, as torch keeps that for each thread."""
    return ThreadPoolExecutor(
        thread_name_prefix="asyncio", initializer=torch.set_grad_enabled, initargs=(False,)
    )


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
