"""Peak memory of one thing, in a process of its own."""

import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

MIB = 1 << 20


def peak_of(call: Callable[..., Any], *arguments: Any) -> tuple[int, int, Any]:
    """MiB that a new process has before the call, MiB at its peak, and the result."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_measure, args=(theirs, call, arguments))
    child.start()
    theirs.close()
    try:
        before, peak, result = ours.recv()
    except EOFError:
        raise SystemExit(f"{call.__name__} failed; see above") from None
    finally:
        child.join()
    return before, peak, result


def _measure(theirs: Connection, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    before = _peak_mib()
    result = call(*arguments)
    theirs.send((before, _peak_mib(), result))


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // MIB
