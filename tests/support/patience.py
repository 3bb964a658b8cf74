"""Patience with storage that waits for nothing: its clock jumps."""

from itertools import count
from typing import Any

from batchprocess.runs.patience import Patience


def patience(**changes: Any) -> Patience:
    """Patience of 25 seconds, on a clock that goes on by ten at each look."""
    now = count(0, 10)
    settings = {"clock": lambda: next(now), "sleep": lambda _s: None, "jitter": lambda: 1.0}
    return Patience(deadline_seconds=25, **(settings | changes))
