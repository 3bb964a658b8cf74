"""Whole files as rows: images, audio, documents."""

from collections.abc import Callable
from typing import Any, Final

from batchprocess.data.index.sources import Sources
from batchprocess.data.index.wanted import wanted_of
from batchprocess.data.row_dataset import Row, RowDataset
from batchprocess.data.rows.part import Part


def files(source: Sources, *, decode: Callable[[bytes], Any] | None = None) -> "FileRows":
    """Each file is a row `{"key": str, "bytes": bytes}`, in the order of keys.

    decode: makes of the bytes what the row then has as `"data"`, in place of them, for instance
    `torchvision.io.decode_image`'s or a `PIL.Image.open(io.BytesIO(...))` of yours. What it raises
    says which file it was.
    """
    return FileRows(source, decode)


class FileRows(RowDataset):
    """Rows that are files."""

    def __init__(self, source: Sources, decode: Callable[[bytes], Any] | None) -> None:
        super().__init__(wanted_of(source, "objects"))
        self._decode: Final = decode

    def _name(self, part: Part, number: int) -> str:
        return super()._name(part, number).removesuffix(f":{number}")

    def _rows_of(self, part: Part) -> list[Row]:
        key, size = part.object.key, part.object.size
        content = self._bytes(part, 0, size)
        if self._decode is None:
            return [{"key": key, "bytes": content}]
        try:
            return [{"key": key, "data": self._decode(content)}]
        except Exception as error:
            error.add_note(f"in decode of {part.name} ({size} bytes)")
            raise
