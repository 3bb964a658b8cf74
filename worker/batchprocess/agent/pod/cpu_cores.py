"""Sharing a pod's processor cores out among its children."""

import contextlib
import math
import os
from collections.abc import Collection, Mapping
from pathlib import Path

CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")
_THREADS = "OMP_NUM_THREADS"


def share(cores: Collection[int], number: int, count: int) -> list[int]:
    """The cores of child `number` of `count`: neighbours, which mostly share caches and memory.

    Fewer cores than children: all of them, for each.
    """
    ordered = sorted(cores)
    if len(ordered) < count:
        return ordered
    first, end = (len(ordered) * n // count for n in (number, number + 1))
    return ordered[first:end]


def limit(path: Path = CPU_LIMIT) -> float | None:
    """The pod's CPU limit in cores; None without one. It may be lower than the cores are many."""
    try:
        quota, _, period = path.read_text().strip().partition(" ")
        return int(quota) / int(period)
    except (OSError, ValueError):
        return None  # no cgroup v2, or "max"


def threads(cores: int, count: int, cpu_limit: float | None) -> int:
    """Threads that a child with `cores` cores can really run at once, of `count` children."""
    if cpu_limit is None:
        return cores
    return max(1, min(cores, math.floor(cpu_limit / count)))


def pin(pid: int, cores: Collection[int]) -> None:
    """Keep a process that has just been started, and all that it starts, on `cores`.

    Nothing where a process can't be bound (macOS).
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    # It may have ended already, and some sandboxes forbid this; it is a matter of speed only.
    with contextlib.suppress(OSError):
        os.sched_setaffinity(pid, cores)


def environment(
    cores: int, count: int, cpu_limit: float | None, own: Mapping[str, str]
) -> dict[str, str]:
    """What tells a child's libraries how many threads to start, unless the user has said it."""
    if count == 1 or _THREADS in own:
        return {}
    return {_THREADS: str(threads(cores, count, cpu_limit))}
