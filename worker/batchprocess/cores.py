"""The processor cores that this process may use, on any system."""

import os


def allowed_cores() -> set[int]:
    """Their numbers; where no process is bound to some of them (macOS), all that there are."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
