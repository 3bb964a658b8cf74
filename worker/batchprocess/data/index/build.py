"""Listing and counting, before any row is read."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import repeat
from pathlib import Path

from batchprocess.data.index.blocks.kept import Kept, KeptInRun, KeptNowhere
from batchprocess.data.index.count_lines import count_lines
from batchprocess.data.index.folder import write_index
from batchprocess.data.index.formats.count_csv import count_csv
from batchprocess.data.index.formats.count_tar import count_tar
from batchprocess.data.index.known import Known
from batchprocess.data.index.line_index import Offsets
from batchprocess.data.index.listing import Listing, list_objects
from batchprocess.data.index.packing.count_packed import count_packed_lines
from batchprocess.data.index.packing.decoders import SUFFIXES, packing_of
from batchprocess.data.index.packing.unpacked import Point
from batchprocess.data.index.progress import Progress, tell_nobody
from batchprocess.data.index.wanted import Wanted
from batchprocess.data.index.whole import pack_index, unpack_index
from batchprocess.data.listing.in_run import InputOfRun
from batchprocess.data.listing.new_since import only_new, runs_before
from batchprocess.data.listing.object_list import ObjectList, finish, write_objects
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.inputs.listing import InputListing
from batchprocess.runs.patience import Patience
from batchprocess.storage.factory import open_storage
from batchprocess.storage.inputs.base import InputObject
from batchprocess.storage.inputs.factory import open_inputs

_LINES = ("lines", "lines that are not blank")
_ALONE_BYTES = 8 << 20
"""So little is counted faster than said that it is being counted."""
_UNKNOWN = (".bz2", ".xz", ".zip", ".lz4", ".snappy")
_PACKED = (*SUFFIXES, *_UNKNOWN)


def build_index(
    wanted: Wanted,
    folder: Path,
    patience: Patience,
    run: InputOfRun | None = None,
    progress: Progress | None = None,
) -> None:
    """Into `folder`, which is there and empty. Raises InvalidArgument, InputChanged, StorageError.

    Lists once, but for a run that knows its input, and reads each object once where its lines have
    to be counted.
    """
    progress = progress or Progress(tell_nobody)

    def list_anew() -> InputListing:
        open_place = partial(open_inputs, s3=wanted.s3)
        alive = partial(progress.add, 0)
        found = list_objects(wanted.sources, open_place, folder, patience, alive)
        with closing(found):
            return write_objects(folder, found.roots, _new(found, wanted, patience))

    since = wanted.new_since
    if run is None:
        listing = list_anew().model_copy(update={"since": since})
    else:
        listing = run.listed(wanted.source, folder, list_anew, since)
    objects = finish(folder, listing)
    if wanted.rows == "objects":
        write_index(folder, repeat((1, None), len(objects)))
        return
    progress.begin(listing.bytes)
    whole = _whole(objects, wanted, run)
    (kept,) = whole.read_all([0])
    if kept is not None:
        unpack_index(folder, kept)
        return
    known, points = Known(objects, wanted.s3, patience, progress.add), dict[int, list[Point]]()
    if not write_index(folder, _counted(known, wanted, run, progress, points), points):
        raise InvalidArgument(f"source has no rows: {len(known)} files, and none of them has any")
    if (index := pack_index(folder)) is not None:
        whole.keep(0, index)


def _new(found: Listing, wanted: Wanted, patience: Patience) -> Iterable[tuple[int, InputObject]]:
    """All of it, unless a run is known that has listed some before."""
    if wanted.new_since is None:
        return found
    open_run = partial(open_storage, s3=wanted.s3)
    before = runs_before(wanted.new_since, wanted.source, open_run, patience)
    return only_new(found, found.roots, before, wanted.source, patience)


def _whole(objects: ObjectList, wanted: Wanted, run: InputOfRun | None) -> Kept:
    """Where the index is kept as a whole: nowhere, if blocks of it are kept."""
    if run is None or not run.is_kept:
        return KeptNowhere()
    if wanted.rows in _LINES and all(packing_of(one.key) is None for _, one in objects):
        return KeptNowhere()
    asked = wanted.model_dump_json(exclude={"sources", "source", "s3", "new_since"})
    kind = f"index-1-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
    return KeptInRun(run.storage, run.patience(), wanted.source, kind, run.me, announces=False)


def _counted(
    known: Known,
    wanted: Wanted,
    run: InputOfRun | None,
    progress: Progress,
    points: dict[int, list[Point]],
) -> Iterator[tuple[int, Offsets]]:
    if wanted.rows == "parquet":
        from batchprocess.data.index.parquet_files import count_groups

        return count_groups(known, wanted.columns)
    if wanted.rows == "tar":
        _refuse_packed(known, _PACKED)
        return count_tar(known, wanted.columns)
    some_packed = _refuse_packed(known, _UNKNOWN)
    if wanted.rows == "csv":
        return count_csv(known, wanted.columns, wanted.delimiter, points)
    skip_blank = wanted.rows == "lines that are not blank"
    if some_packed:
        return count_packed_lines(known, points, skip_blank=skip_blank)
    kept, share = _kept(known, wanted.source, "jsonl-1" if skip_blank else "text-1", run)
    return count_lines(
        known.offsets(), known.__getitem__, kept, share, progress.add, skip_blank=skip_blank
    )


def _kept(known: Known, source: str, kind: str, run: InputOfRun | None) -> tuple[Kept, float]:
    """Where parts are kept, and at which part of the input this attempt begins."""
    if run is None or not run.is_kept:
        return KeptNowhere(), 0.0
    announces = known.objects.about.bytes > _ALONE_BYTES
    patience = run.patience()
    return KeptInRun(run.storage, patience, source, kind, run.me, announces=announces), run.share


def _refuse_packed(known: Known, suffixes: Sequence[str]) -> bool:
    """Whether there are any that can be unpacked."""
    some_packed = False
    for one in known:
        some_packed = some_packed or packing_of(one.object.key) is not None
        if one.name.lower().endswith(tuple(suffixes)):
            raise InvalidArgument(
                f"{one.name} is packed, and its rows cannot be found by number: unpack it, or "
                "leave it out of the source"
            )
    return some_packed
