"""Listing and counting, before any row is read."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from batchprocess.data.index.count_lines import count_lines
from batchprocess.data.index.folder import write_index
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import Offsets
from batchprocess.data.index.listing import Listing, list_objects
from batchprocess.data.index.wanted import Wanted
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.patience import Patience
from batchprocess.storage.inputs.factory import open_inputs

_PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip", ".lz4", ".snappy")


def build_index(wanted: Wanted, folder: Path, patience: Patience) -> None:
    """Into `folder`, which is there and empty. Raises InvalidArgument, InputChanged, StorageError.

    Lists once, and reads each object once where its lines have to be counted.
    """
    listing = list_objects(wanted.sources, partial(open_inputs, s3=wanted.s3), patience)
    if wanted.rows == "objects":
        write_index(folder, listing, [1] * len(listing.objects), [])
        return
    rows, marks = [], []
    for count, found in _counted(_known(listing, wanted, patience), wanted):
        rows.append(count)
        marks.append(found)
    if not sum(rows):
        raise InvalidArgument(f"source has no rows: {len(rows)} files, and none of them has any")
    write_index(folder, listing, rows, marks)


def _known(listing: Listing, wanted: Wanted, patience: Patience) -> list[KnownObject]:
    places = [open_inputs(root, wanted.s3) for root in listing.roots]
    return [
        KnownObject(places[root], one, patience)
        for one, root in zip(listing.objects, listing.of, strict=True)
    ]


def _counted(known: Sequence[KnownObject], wanted: Wanted) -> Iterator[tuple[int, Offsets]]:
    if wanted.rows == "parquet":
        from batchprocess.data.index.parquet_files import count_groups

        return count_groups(known, wanted.columns)
    _refuse_packed(known)
    return count_lines(known, skip_blank=wanted.rows == "lines that are not blank")


def _refuse_packed(known: Sequence[KnownObject]) -> None:
    for one in known:
        if one.name.lower().endswith(_PACKED):
            raise InvalidArgument(
                f"{one.name} is packed, and rows of packed files cannot be found by number: unpack "
                "it, or leave it out of the source"
            )
