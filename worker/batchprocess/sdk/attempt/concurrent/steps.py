"""Coroutines of user code, step by step: how long each holds the event loop, and what it leaves."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from batchprocess.sdk.device.thread_state import thread_state
from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs
from batchprocess.sdk.output.concurrent.current_batch import CURRENT, Hook

_LOG = logging.getLogger("batchprocess")
_LONG_STEP_SECONDS = 0.1
_HELD_SECONDS = 1.0
Current = BatchOutputs | Hook | None


class StateChanged(RuntimeError):
    """A coroutine has left the thread's state of torch changed over an `await`."""


class Steps:
    """`seconds`: in steps of user code. `escaped_from`: what has raised an error that asyncio lets
    end the loop, as SystemExit does. `changed`: the first StateChanged, and where; of a task that
    nobody may await.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.seconds = clock, 0.0
        self.escaped_from: Current = None
        self.changed: tuple[Current, StateChanged] | None = None
        self._held: dict[str, float] = {}
        self._said = False

    def task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        """The loop's task factory."""
        return asyncio.Task(Stepped(coroutine, self), loop=loop, **options)

    def note(self, name: str, seconds: float) -> None:
        """A step took so long; said once of the first coroutine that holds the loop for long."""
        self.seconds += seconds
        if seconds < _LONG_STEP_SECONDS or self._said:
            return
        held = self._held[name] = self._held.get(name, 0.0) + seconds
        if held >= _HELD_SECONDS:
            self._said = True
            _LOG.warning(
                "%s holds the event loop for %.2f s at a time%s: no other batch goes on meanwhile; "
                "run it by asyncio.to_thread, or await more often",
                *(name, seconds, _of(CURRENT.get())),
            )


def _of(current: Current) -> str:
    return f" (batch {current.index})" if isinstance(current, BatchOutputs) else ""


class Stepped(Coroutine[Any, Any, Any]):
    """A coroutine that is looked at before and after each of its steps."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], steps: Steps) -> None:
        self._coroutine, self._steps = coroutine, steps

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()

    def __getattr__(self, name: str) -> Any:
        # What debuggers and asyncio's stacks ask for: cr_frame, __name__, ...
        return getattr(self._coroutine, name)

    def send(self, value: Any) -> Any:
        """One step."""
        return self._step(self._coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        """One step, which begins with an error."""
        return self._step(self._coroutine.throw, *error)

    def close(self) -> None:
        """No more steps."""
        self._coroutine.close()

    def _step(self, call: Callable[..., Any], *given: Any) -> Any:
        before, began = thread_state(), self._steps.clock()
        try:
            return call(*given)
        except (KeyboardInterrupt, SystemExit):
            self._steps.escaped_from = CURRENT.get()
            raise
        finally:
            self._steps.note(self._name, self._steps.clock() - began)
            after = thread_state()
            if after != before and (changed := after.differs_from(before)) is not None:
                self._coroutine.close()
                before.restore()
                error = StateChanged(
                    f"{self._name} has changed {changed} and not changed it back before an await "
                    "or its end: it belongs to the thread, in which other batches run meanwhile; "
                    "have no await inside of such a block"
                )
                self._steps.changed = self._steps.changed or (CURRENT.get(), error)
                raise error

    @property
    def _name(self) -> str:
        return str(getattr(self._coroutine, "__qualname__", type(self._coroutine).__qualname__))
