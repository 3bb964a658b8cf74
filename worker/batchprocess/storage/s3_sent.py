"""What was really sent of a file to S3: counted and hashed as it is read for the request."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from s3transfer.utils import OSUtils, ReadFileChunk

from batchprocess.storage.base import Content

CHUNK = 1 << 20


class SentChunk(ReadFileChunk):
    """Some bytes of a file from `start`, and no further; `sent` is what the last reading gave.

    botocore reads a body more than once: for a checksum, and again for every retry.
    """

    def __init__(self, fileobj: IO[bytes], *given: Any, **named: Any) -> None:
        super().__init__(fileobj, *given, **named)
        self.start = fileobj.tell()
        self._digest, self._hashed = hashlib.sha256(), 0

    @property
    def sent(self) -> Content | None:
        """What was read; None if it was not read from its start to some end, in order."""
        return Content(self._hashed, self._digest.hexdigest()) if self._hashed >= 0 else None

    def read(self, amount: int | None = None) -> bytes:
        """As of a file."""
        in_order = self.tell() == self._hashed
        data: bytes = super().read(amount)
        self._digest.update(data)
        self._hashed = self._hashed + len(data) if in_order else -1
        return data

    def seek(self, where: int, whence: int = 0) -> None:
        """As of a file; at its start the counting begins anew."""
        super().seek(where, whence)
        if self.tell() == 0:
            self._digest, self._hashed = hashlib.sha256(), 0


class SendingFiles(OSUtils):
    """What s3transfer opens files by; `chunks` are the parts that it has sent."""

    def __init__(self) -> None:
        self.chunks: list[SentChunk] = []

    def open_file_chunk_reader_from_fileobj(
        self,
        fileobj: Any,
        chunk_size: int,
        full_file_size: int,
        callbacks: Any,
        close_callbacks: Any = None,
    ) -> SentChunk:
        """As s3transfer's own, but remembered."""
        chunk = SentChunk(
            fileobj,
            chunk_size,
            full_file_size,
            callbacks=callbacks,
            enable_callbacks=False,
            close_callbacks=close_callbacks,
        )
        self.chunks.append(chunk)
        return chunk


def were_sent(content: Content, source: Path, chunks: Iterable[SentChunk]) -> bool:
    """Whether `chunks`, put together, are `content`: parts are sent in any order.

    So the file is read once more: it must be `content`, and each of its parts what was sent.
    """
    whole = hashlib.sha256()
    with source.open("rb") as file:
        for chunk in sorted(chunks, key=lambda chunk: chunk.start):
            if chunk.sent is None or _read(file, chunk.sent.size, whole) != chunk.sent:
                return False
        return Content(file.tell(), whole.hexdigest()) == content


def _read(file: IO[bytes], size: int, whole: "hashlib._Hash") -> Content:
    part, left = hashlib.sha256(), size
    while left and (data := file.read(min(left, CHUNK))):
        part.update(data)
        whole.update(data)
        left -= len(data)
    return Content(size - left, part.hexdigest())
