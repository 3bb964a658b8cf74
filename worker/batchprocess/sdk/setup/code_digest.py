"""Telling changed code from the code that a run was begun with; information, never a refusal."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from batchprocess.files_digest import files_digest

_INSTALLED = {"site-packages", "dist-packages"}


def code_digest(modules: Mapping[str, ModuleType], folder: Path) -> str | None:
    """The digest of the Python files below `folder` that are imported now; None if there is none.

    Of paths below the folder and of contents, so it is the same wherever the folder lies. None,
    too, of more than a thousand files or 16 MiB: then the folder is not one job's.
    """
    try:
        return files_digest({*_own_files(modules, folder)}, folder)
    except OSError:
        return None


def main_folder() -> Path:
    """Where the job's modules are looked for first: beside the script, or where it was started."""
    return Path(sys.path[0] if sys.path and sys.path[0] else ".").absolute()


def _own_files(modules: Mapping[str, ModuleType], folder: Path) -> Iterator[Path]:
    for module in tuple(modules.values()):
        name = getattr(module, "__file__", None)
        if not isinstance(name, str) or not name.endswith(".py"):
            continue
        file = Path(name)
        # Relative ones are made up: those of torch.ops and torch.classes.
        if file.is_relative_to(folder) and not _INSTALLED.intersection(file.parts):
            yield file
