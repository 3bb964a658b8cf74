"""JSON as deep as the API server takes it: what one tenant nests must not end a list of all."""

import gc
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MAX_LEVELS = 10_000
"""Lists and dicts in each other that the API server takes, and no more."""
_ROOM = 2 * MAX_LEVELS
"""Python counts one call a level; a list, an event and our own calls are around an object.

The reader is written in C and takes 130 bytes of stack a level: 1.3 MiB of the 8 that Linux gives
to a process by default.
"""


def loads(text: bytes) -> Any:
    """The value. Raises ValueError for what is no JSON."""
    collecting = gc.isenabled()
    # A value of half a million lists has no circle in it, and is searched for one seven times as
    # long as it takes to be read.
    gc.disable()
    try:
        with _room():
            return json.loads(text)
    finally:
        if collecting:
            gc.enable()


def dumps(value: Any) -> bytes:
    """As compact as it can be."""
    with _room():
        return json.dumps(value, separators=(",", ":")).encode()


@contextmanager
def _room() -> Iterator[None]:
    """No other code runs meanwhile: nothing in it waits."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + _ROOM)
    try:
        yield
    except RecursionError as error:
        raise ValueError(f"more than {MAX_LEVELS} lists and dicts in each other") from error
    finally:
        sys.setrecursionlimit(before)
