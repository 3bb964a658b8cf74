"""An event loop whose clock jumps to the next timer: hours of waiting take no time.

For asyncio code that talks to nobody outside the process.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_STEP = 1e-6


class _Jumping(selectors.SelectSelector):
    """Instead of waiting for `timeout` seconds, it is that much later."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        # Nothing takes no time at all: a timer may be closer than the loop's resolution.
        self.now += timeout if timeout and not ready else _STEP
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` begins at 0 and hardly moves but while every task waits."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_virtually(main: Coroutine[Any, Any, _Result]) -> _Result:
    """As asyncio.run, in virtual time. An error that no task caught is raised as well."""
    errors: list[BaseException] = []

    def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        errors.append(context.get("exception") or RuntimeError(context["message"]))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.get_loop().set_exception_handler(note)
        result = runner.run(main)
    if errors:
        raise errors[0]
    return result


def clock() -> float:
    """Seconds of the running loop."""
    return asyncio.get_running_loop().time()


def virtually(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test's coroutine in virtual time."""

    def run() -> None:
        run_virtually(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
