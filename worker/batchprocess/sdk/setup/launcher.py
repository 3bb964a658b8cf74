"""What a launcher of several processes says of them: torchrun, or whoever sets its variables."""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batchprocess.protocol.errors import InvalidArgument

_BY_TORCHRUN = "TORCHELASTIC_RUN_ID"
_START_TIME = 19
"""Of the fields of /proc/<pid>/stat that follow the name, in ticks since the machine booted."""


def rank_by_launcher(environ: Mapping[str, str]) -> tuple[int, int] | None:
    """Number of this process and of all, None without a launcher; InvalidArgument for nonsense."""
    if "RANK" not in environ or "WORLD_SIZE" not in environ:
        return None
    try:
        rank, size = int(environ["RANK"]), int(environ["WORLD_SIZE"])
    except ValueError as error:
        raise InvalidArgument(f"RANK and WORLD_SIZE must be integers: {error}") from error
    if not 0 <= rank < size:
        raise InvalidArgument(f"RANK={rank} must be at least 0 and below WORLD_SIZE={size}")
    return rank, size


def local_rank(environ: Mapping[str, str]) -> int:
    """Number of this process on its machine; 0 without a launcher."""
    local = environ.get("LOCAL_RANK", "0")
    if not local.isdecimal():
        raise InvalidArgument(f"LOCAL_RANK must be an integer of at least 0, not {local!r}")
    return int(local)


def launched_at(environ: Mapping[str, str]) -> datetime | None:
    """When torchrun started, which is every rank's parent; None if that cannot be told.

    Other launchers' processes may stay for many launches, as a shell does.
    """
    if _BY_TORCHRUN not in environ:
        return None
    try:
        stat = Path(f"/proc/{os.getppid()}/stat").read_text()
    except OSError:
        return None
    ticks = int(stat.rpartition(")")[2].split()[_START_TIME])
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return datetime.now(UTC) - timedelta(seconds=age)
