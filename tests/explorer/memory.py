"""What a stopped flow remembers: its frames, with all that their variables hold."""

from collections.abc import Iterator
from typing import Any

from batchprocess.ledger.identity import Identity


def memory_of(flow: Any) -> tuple[Any, ...]:
    """Equal for flows of one script that will do the same from here on, whatever they are told.

    How far a `for` loop is stands in its variable, as long as its items differ.
    """
    return tuple(_frames(flow))


def _frames(flow: Any) -> Iterator[Any]:
    while flow is not None:
        frame = flow.gi_frame
        held = tuple((name, _held(value)) for name, value in sorted(frame.f_locals.items()))
        yield frame.f_code.co_qualname, frame.f_lasti, held
        flow = flow.gi_yieldfrom


def _held(value: Any) -> Any:
    if isinstance(value, Identity):
        return value.attempt, repr(value.nonce)
    # Functions are constants of their script; their addresses would tell one state from itself.
    return value.__qualname__ if hasattr(value, "__qualname__") else repr(value)
