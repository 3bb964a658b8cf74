"""Documents on their way to storage: small ones in memory, large ones in a local file."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from batchprocess.ledger.effects import Staged
from batchprocess.protocol.errors import StorageUnavailable
from batchprocess.runs.scratch_folder import Scratch

IN_MEMORY = 8 << 20


class StagedDocuments(contextlib.ExitStack):
    """Their files go with the `with` block."""

    def stage(self, chunks: Iterator[bytes]) -> Staged:
        """The document whole, with its size and digest. StorageUnavailable if the disk is full."""
        digest, to = hashlib.sha256(), BytesIO()
        for chunk in chunks:
            digest.update(chunk)
            to.write(chunk)
            if to.tell() > IN_MEMORY:
                path, size = self._in_file(to.getvalue(), chunks, digest)
                return Staged(path, size, digest.hexdigest())
        return Staged(to.getvalue(), to.tell(), digest.hexdigest())

    def _in_file(
        self, begin: bytes, chunks: Iterator[bytes], digest: "hashlib._Hash"
    ) -> tuple[Path, int]:
        try:
            made = Scratch.make()
            self.callback(made.remove)
            path = made.folder / "document"
            with path.open("xb") as file:
                file.write(begin)
                return path, len(begin) + _write(file, chunks, digest)
        except OSError as error:
            raise StorageUnavailable(
                f"{tempfile.gettempdir()}: {os.strerror(error.errno or 0)}; the manifest of a run "
                "of many files needs space there: set TMPDIR"
            ) from error


def _write(file: BinaryIO, chunks: Iterator[bytes], digest: "hashlib._Hash") -> int:
    size = 0
    for chunk in chunks:
        digest.update(chunk)
        size += file.write(chunk)
    return size
