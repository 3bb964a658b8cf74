"""Short commands of the machine."""

import subprocess

from testcluster.errors import ClusterError
from testcluster.tools import HOME, PROGRAM_PATH, installed


def output(name: str, *arguments: str, seconds: float = 60.0) -> str:
    """Standard output of a command.

    Raises ClusterError with standard error if it fails or takes longer than `seconds`.
    """
    said = " ".join((name, *arguments))
    try:
        done = _run(name, arguments, seconds)
    except subprocess.TimeoutExpired:
        raise ClusterError(f"`{said}` did not end in {seconds:.0f} s") from None
    if done.returncode:
        raise ClusterError(f"`{said}` failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def succeeds(name: str, *arguments: str) -> bool:
    """Whether a command ends with 0."""
    return _run(name, arguments, 60.0).returncode == 0


def _run(
    name: str, arguments: tuple[str, ...], seconds: float
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [installed(name), *arguments],
        env={"PATH": PROGRAM_PATH, "LC_ALL": "C.UTF-8", "HOME": str(HOME)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
