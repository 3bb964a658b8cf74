"""Which committed files make a table."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.file_names import stem_of, stem_of_table_file
from batchprocess.protocol.records import CommittedFile
from batchprocess.protocol.run import LAYOUT, RunInfo

MAX_SHOWN = 20


class _Found(Protocol):
    @property
    def file(self) -> CommittedFile: ...


F = TypeVar("F", bound=_Found)


def files_of_table(found: Iterable[F], name: str, run: RunInfo) -> tuple[str, list[F]]:
    """The suffix and the files of table `name`, in the order of `found`.

    Raises InvalidArgument, naming those that there are, if no such file is committed, and if its
    files have two formats.
    """
    others: set[str] = set()
    files: list[F] = []
    for one in found:
        table = _table_of(one.file, run)
        if table == name:
            files.append(one)
        elif table is not None:
            others.add(table)
    suffixes = {suffix_of(one.file) for one in files}
    if len(suffixes) > 1:
        raise InvalidArgument(
            f"table {name!r} has files of {' and '.join(sorted(suffixes))}: batchprocess results "
            "--download gives them all"
        )
    if not files:
        shown = ", ".join(sorted(others)[:MAX_SHOWN]) or "none"
        raise InvalidArgument(f"no file of a table {name!r} is committed; tables: {shown}")
    return suffixes.pop(), files


def suffix_of(file: CommittedFile) -> str:
    """The format."""
    return f".{file.name.rpartition('.')[2]}"


def _table_of(file: CommittedFile, run: RunInfo) -> str | None:
    if run.layout == LAYOUT:
        return stem_of_table_file(file.key)
    # Nothing says there which files `save` has made.
    return stem_of(file.name) or None
