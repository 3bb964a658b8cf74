"""What sending one report means: bytes go out, and an answer says what became of them."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias


class Answer(NamedTuple):
    """What became of a report: `problem` if it did not arrive, `wait` seconds as Retry-After."""

    problem: str | None = None
    wait: float | None = None


Post: TypeAlias = Callable[[bytes], Answer]
"""Sends one report and never raises."""
