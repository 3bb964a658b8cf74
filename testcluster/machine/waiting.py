"""Waiting for something to become true, with a sentence when it does not."""

import time
from collections.abc import Callable

from testcluster.errors import ClusterError


def until(what: str, holds: Callable[[], bool], seconds: float = 60.0, pause: float = 0.1) -> None:
    """Wait until `holds()` is true.

    Raises ClusterError "... is not so after N s: WHAT" when it never is.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise ClusterError(f"this is not so after {seconds:.0f} s: {what}")
        time.sleep(pause)
