"""Deleting what a cluster wrote."""

import shutil
from pathlib import Path


def delete(path: Path) -> None:
    """Delete a file or a folder with all in it, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
