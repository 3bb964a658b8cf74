"""Samples in tar files as rows."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from batchprocess.data.index.formats.tar_samples import KEY, Sample, TarWalk
from batchprocess.data.index.sources import Sources
from batchprocess.data.index.wanted import Wanted, wanted_of
from batchprocess.data.row_dataset import Row, RowDataset
from batchprocess.data.rows.asked_columns import asked_columns
from batchprocess.data.rows.part import Part
from batchprocess.data.rows.row_ids import check_id_column


def tar(
    source: Sources,
    *,
    columns: Sequence[str] | None = None,
    id: str | None = None,
    decode: Mapping[str, Callable[[bytes], Any]] | None = None,
) -> "TarRows":
    """Each sample is a row `{"__key__": str, "jpg": bytes, ...}`, as webdataset groups files.

    columns: extensions, and `__key__`, that a row has, in this order; None for a file that a sample
    has not. Default: all that the sample has. id: `__key__`, or another column; see
    `RowDataset.row_ids`. decode: by extension, what makes of a file's bytes what the row has in
    their place. What it raises says which sample it was.
    """
    names = asked_columns(columns, "extensions")
    check_id_column(id, names)
    return TarRows(wanted_of(source, "tar", names, id=id), decode or {})


class TarRows(RowDataset):
    """Rows that are samples in tar files."""

    def __init__(self, wanted: Wanted, decode: Mapping[str, Callable[[bytes], Any]]) -> None:
        super().__init__(wanted)
        self._columns: Final = wanted.columns
        self._decode: Final = dict(decode)

    def _read_for_ids(self, rows: Sequence[int]) -> list[Row]:
        # A row that is bad because another column cannot be decoded has its id all the same.
        name = (self._wanted.id or KEY,)
        return [row for part in self._parts(rows) for row in self._rows_with(name, part)]

    def _rows_of(self, part: Part) -> list[Row]:
        return self._rows_with(self._columns, part)

    def _rows_with(self, columns: Sequence[str] | None, part: Part) -> list[Row]:
        rows = part.first, part.end
        span = self._index.span(part.block, part.number, rows, part.object.size)
        content = self._bytes(part, span.start, span.stop)
        samples = TarWalk(io.BytesIO(content), part.name)
        return [
            self._row(columns, sample, content, f"{part.name}: row {at}")
            for at, sample in enumerate(samples, span.first_row)
            if part.first <= at < part.end
        ]

    def _row(
        self, columns: Sequence[str] | None, sample: Sample, content: bytes, place: str
    ) -> Row:
        row: Row = {}
        for name in columns or (KEY, *sample.files):
            if name == KEY:
                row[KEY] = sample.key
            elif name in sample.files:
                begin, end = sample.files[name]
                row[name] = self._decoded(name, content[begin:end], f"{place}, {sample.key!r}")
            else:
                row[name] = None
        return row

    def _decoded(self, name: str, content: bytes, place: str) -> Any:
        if name not in self._decode:
            return content
        try:
            return self._decode[name](content)
        except Exception as error:
            error.add_note(f"in decode of {name!r} of {place} ({len(content)} bytes)")
            raise
