"""The termination message as the kubelet reads it: one file, whole at every moment."""

import os
from pathlib import Path


def one_line(message: str) -> str:
    """Fit to be the last line of stderr: some errors that we quote have several."""
    return " / ".join(line.strip() for line in message.splitlines() if line.strip())


def replace_in_place(path: Path, body: bytes) -> None:
    """Overwrite with one call, padded by spaces: a kill at any moment leaves whole JSON."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(descriptor, body.ljust(os.fstat(descriptor).st_size), 0)
    finally:
        os.close(descriptor)
