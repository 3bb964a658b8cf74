"""Rows of Parquet files."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from batchprocess.data.index.folder import Place
from batchprocess.data.index.sources import Sources
from batchprocess.data.index.wanted import Wanted, wanted_of
from batchprocess.data.row_dataset import RowDataset
from batchprocess.data.rows.arrow_rows import ArrowRows, join_tables
from batchprocess.data.rows.asked_columns import asked_columns
from batchprocess.data.rows.part import Part
from batchprocess.data.rows.row_ids import check_id_column
from batchprocess.protocol.errors import BatchProcessError

if TYPE_CHECKING:
    import pyarrow


def parquet(
    source: Sources, *, columns: Sequence[str] | None = None, id: str | None = None
) -> "ParquetRows":
    """Each row of the files, all of which have the same columns, is a row. Needs pyarrow.

    columns: those that are read; others cost nothing. Default: all. A process keeps the row group
    that it has read last, decoded. id: the column whose value, a text or an integer, is the row's
    id; see `RowDataset.row_ids`.
    """
    names = asked_columns(columns)
    check_id_column(id, names)
    return ParquetRows(wanted_of(source, "parquet", names, id=id))


class ParquetRows(RowDataset):
    """Rows of Parquet files."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self._columns: Final = wanted.columns
        self._decoded: tuple[tuple[int, int], pyarrow.Table] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_decoded": None}

    def _read(self, rows: Sequence[int]) -> ArrowRows:
        """As a table, whose columns are as they are in the files."""
        if not len(rows):
            raise IndexError("no rows were asked for")
        return ArrowRows(join_tables([self._table(part) for part in self._parts(rows)]))

    def _values(self, found: Any, column: str) -> list[Any]:
        values: list[Any] = found.values(column)
        return values

    def _read_together(self, place: Place, end: int) -> int:
        return min(end, self._index.group(place.block, place.object, place.row)[2])

    def _rows_of(self, part: Part) -> ArrowRows:
        return ArrowRows(self._table(part))

    def _table(self, part: Part) -> "pyarrow.Table":
        group, start, end = self._index.group(part.block, part.number, part.first)
        if self._decoded is None or self._decoded[0] != (part.number, group):
            self._decoded = None  # not two of them at a time
            table = self._read_group(part, group)
            if len(table) != end - start:
                raise _damaged(part, group, f"it has {len(table)} rows of {end - start}")
            self._decoded = (part.number, group), table
        table = self._decoded[1]
        return table.slice(part.first - start, part.end - part.first)

    def _read_group(self, part: Part, group: int) -> "pyarrow.Table":
        from batchprocess.data.index.parquet_files import open_parquet

        file = open_parquet(part.object.size, partial(self._bytes, part), part.name)
        try:
            if self._columns is None:
                return file.read_row_group(group)
            # By pyarrow "a" means a column "a.b" too, and their order is the file's.
            columns = list(self._columns)
            return file.read_row_group(group, columns=columns).select(columns)
        except BatchProcessError:
            raise
        except (OSError, ValueError, NotImplementedError) as error:
            # Bytes come by us, so an OSError speaks of what they mean. All rows of the group fail.
            said = " ".join(str(error).split())[:200]
            raise _damaged(part, group, said) from None


def _damaged(part: Part, group: int, why: str) -> ValueError:
    return ValueError(
        f"{part.name}: row group {group}, with row {part.first}, cannot be decoded: {why}"
    )
