"""Where the programs of a test cluster come from, and what to do when one is missing."""

import shutil
from pathlib import Path

from testcluster.errors import ClusterError

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".cache" / "bin"
PROGRAM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def built(name: str) -> str:
    """Path of a program that the Makefile builds.

    Raises ClusterError if it has not been built.
    """
    path = TOOLS / name
    if not path.exists():
        raise ClusterError(f"{path.name} is not built: run `make .cache/bin/{name}`")
    return str(path)


def installed(name: str) -> str:
    """Path of a program that the machine must have.

    Raises ClusterError if it is not installed.
    """
    path = shutil.which(name, path=PROGRAM_PATH)
    if path is None:
        raise ClusterError(f"{name} is not installed: run `make cluster-deps` as root")
    return path
