"""Listing and counting, before any row is read."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import repeat
from pathlib import Path

from batchprocess.data.index.count_lines import count_lines
from batchprocess.data.index.folder import write_index
from batchprocess.data.index.formats.count_csv import count_csv
from batchprocess.data.index.formats.count_tar import count_tar
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import Offsets
from batchprocess.data.index.listing import list_objects
from batchprocess.data.index.wanted import Wanted
from batchprocess.data.listing.in_run import InputOfRun
from batchprocess.data.listing.object_list import ObjectList, finish, write_objects
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.inputs.listing import InputListing
from batchprocess.runs.patience import Patience
from batchprocess.storage.inputs.factory import open_inputs

_PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip", ".lz4", ".snappy")


def build_index(
    wanted: Wanted, folder: Path, patience: Patience, run: InputOfRun | None = None
) -> None:
    """Into `folder`, which is there and empty. Raises InvalidArgument, InputChanged, StorageError.

    Lists once, but for a run that knows its input, and reads each object once where its lines have
    to be counted.
    """

    def list_anew() -> InputListing:
        found = list_objects(wanted.sources, partial(open_inputs, s3=wanted.s3), patience)
        return write_objects(folder, found.roots, zip(found.of, found.objects, strict=True))

    listing = list_anew() if run is None else run.listed(wanted.source, folder, list_anew)
    _build_of(finish(folder, listing), wanted, folder, patience)


def _build_of(objects: ObjectList, wanted: Wanted, folder: Path, patience: Patience) -> None:
    if wanted.rows == "objects":
        write_index(folder, repeat(1, len(objects)), [])
        return
    rows, marks = [], []
    for count, found in _counted(_known(objects, wanted, patience), wanted):
        rows.append(count)
        marks.append(found)
    if not sum(rows):
        raise InvalidArgument(f"source has no rows: {len(rows)} files, and none of them has any")
    write_index(folder, rows, marks)


def _known(objects: ObjectList, wanted: Wanted, patience: Patience) -> list[KnownObject]:
    places = {root: open_inputs(root, wanted.s3) for root in objects.about.roots}
    return [KnownObject(places[root], one, patience) for root, one in objects]


def _counted(known: Sequence[KnownObject], wanted: Wanted) -> Iterator[tuple[int, Offsets]]:
    if wanted.rows == "parquet":
        from batchprocess.data.index.parquet_files import count_groups

        return count_groups(known, wanted.columns)
    _refuse_packed(known)
    if wanted.rows == "csv":
        return count_csv(known, wanted.columns, wanted.delimiter)
    if wanted.rows == "tar":
        return count_tar(known, wanted.columns)
    return count_lines(known, skip_blank=wanted.rows == "lines that are not blank")


def _refuse_packed(known: Sequence[KnownObject]) -> None:
    for one in known:
        if one.name.lower().endswith(_PACKED):
            raise InvalidArgument(
                f"{one.name} is packed, and rows of packed files cannot be found by number: unpack "
                "it, or leave it out of the source"
            )
