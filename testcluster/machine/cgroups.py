"""The cgroup of a cluster's pods, in every hierarchy of the machine (version 1 or 2)."""

import contextlib
import errno
import functools
import os
from pathlib import Path

from testcluster.machine.waiting import until

MOUNT = Path("/sys/fs/cgroup")


def create(name: str) -> None:
    """Make the cgroup; kubelet asks that its root be there.

    One of that name is left over from a cluster whose starter was killed: it is removed first.
    """
    remove(name)
    for hierarchy in _hierarchies():
        (hierarchy / name).mkdir()
        _prefer(hierarchy / name)


def _prefer(cgroup: Path) -> None:
    """Pods come before what else the machine does, the tests that wait for them included."""
    for file, most in (("cpu.shares", 262_144), ("cpu.weight", 10_000)):
        if (cgroup / file).exists():
            (cgroup / file).write_text(str(most))


def remove(name: str) -> None:
    """Remove the cgroup and all below it; its processes must be ending.

    Raises ClusterError if it has processes for a minute.
    """
    for hierarchy in _everywhere():
        until(f"{hierarchy / name} has no processes", functools.partial(_removed, hierarchy / name))


def _removed(top: Path) -> bool:
    try:
        for path, _, _ in os.walk(top, topdown=False):
            Path(path).rmdir()
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def left(name: str) -> list[Path]:
    """Where the cgroup still is."""
    return [path for path in (one / name for one in _everywhere()) if path.exists()]


def processes(path_part: str, name: str) -> list[int]:
    """Ids of the processes in those cgroups below `name` whose path contains `path_part`."""
    found: set[int] = set()
    for hierarchy in _hierarchies():
        for path, _, _ in os.walk(hierarchy / name):
            if path_part in path:
                with contextlib.suppress(FileNotFoundError):
                    found.update(map(int, (Path(path) / "cgroup.procs").read_text().split()))
    return sorted(found)


def _everywhere() -> list[Path]:
    """runc makes folders in `unified` as well, although nothing is accounted there."""
    return [*_hierarchies(), *(one for one in (MOUNT / "unified",) if one.is_dir())]


def _hierarchies() -> list[Path]:
    if (MOUNT / "cgroup.controllers").exists():
        return [MOUNT]
    # `unified` is the second version beside the first: nothing is accounted there.
    real = {one.resolve() for one in MOUNT.iterdir() if one.is_dir() and one.name != "unified"}
    return sorted(real)
