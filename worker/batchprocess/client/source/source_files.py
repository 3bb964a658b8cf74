"""The files of a folder that become a ConfigMap, or why they cannot."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batchprocess.files_digest import contents_digest
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.file_names import DEFAULT_OUTPUT

MAX_BYTES = 1 << 20
"""Of all files together: what Kubernetes takes of a ConfigMap."""
MAX_NAME = 253
_NAME = re.compile(r"[-._a-zA-Z0-9]+")
_LEFT_OUT = ("__pycache__", DEFAULT_OUTPUT)
_REMEDY = "copy the code into the job's image instead (docs/install.md), and leave source out"


@dataclass(frozen=True)
class SourceFiles:
    """Names and contents. `digest` is the one that the run's records have of them."""

    contents: dict[str, bytes]

    @property
    def digest(self) -> str:
        """Of names and contents."""
        return contents_digest(self.contents)


def read_source(folder: Path) -> SourceFiles:
    """All files of the folder but hidden ones, __pycache__ and the outputs of local runs.

    Raises InvalidArgument, with the remedy, for what is no folder, has no file, has folders with
    files in it, or more than 1 MiB.
    """
    if not folder.is_dir():
        raise InvalidArgument(f"the source {folder} is not a folder")
    contents, left = dict[str, bytes](), MAX_BYTES
    for path in _files(folder):
        contents[path.name] = body = _read(path, left)
        left -= len(body)
        if left < 0:
            raise InvalidArgument(
                f"the files of {folder} have more than {MAX_BYTES} bytes, which is what a "
                f"ConfigMap takes: {_REMEDY}, or keep large files in storage"
            )
    if not contents:
        raise InvalidArgument(f"the source {folder} has no files")
    return SourceFiles(contents)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _LEFT_OUT:
            continue
        if path.is_dir():
            if _has_files(path):
                raise InvalidArgument(
                    f"the source {folder} has a folder {path.name!r}, and a ConfigMap has files "
                    f"alone: {_REMEDY}"
                )
            continue
        if len(path.name) > MAX_NAME or not _NAME.fullmatch(path.name):
            raise InvalidArgument(
                f"the source has a file {path.name!r:.300}: names in a ConfigMap are of A-Z, a-z, "
                f"0-9, -, . and _, at most {MAX_NAME}: rename it, or move it elsewhere"
            )
        yield path


def _has_files(folder: Path) -> bool:
    return any(
        names and not Path(place).name.startswith((".", *_LEFT_OUT))
        for place, _, names in os.walk(folder)
    )


def _read(path: Path, left: int) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte more than there may be: a model by mistake is not read whole.
            return file.read(left + 1)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InvalidArgument(f"{path} of the source cannot be read: {reason}") from error
