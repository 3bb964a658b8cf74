"""Listing and counting, before any row is read."""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from batchprocess.data.index.blocks.count import LineBlocks
from batchprocess.data.index.blocks.count_files import FileBlocks, FileCounter
from batchprocess.data.index.blocks.cut import Blocks, Cut, WholeFiles
from batchprocess.data.index.blocks.kept import KeptInRun, KeptNowhere
from batchprocess.data.index.blocks.open_lines import OpenLines
from batchprocess.data.index.count_rows import BlockCounter, Counting, Sharing, count_rows
from batchprocess.data.index.folder import write_index, write_objects_index
from batchprocess.data.index.formats.count_csv import CsvFiles
from batchprocess.data.index.formats.count_packed import PackedLines
from batchprocess.data.index.formats.count_tar import TarFiles, refuse_unseen
from batchprocess.data.index.known import Known
from batchprocess.data.index.listing import Listing, list_objects
from batchprocess.data.index.packing.decoders import SUFFIXES, packing_of
from batchprocess.data.index.progress import Progress, tell_nobody
from batchprocess.data.index.wanted import Wanted
from batchprocess.data.listing.in_run import InputOfRun
from batchprocess.data.listing.new_since import only_new, runs_before
from batchprocess.data.listing.object_list import finish, write_objects
from batchprocess.data.listing.taken import take_listing
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.inputs.listing import InputListing
from batchprocess.runs.parallel import Threads
from batchprocess.runs.patience import Patience
from batchprocess.storage.factory import open_storage
from batchprocess.storage.inputs.base import InputObject
from batchprocess.storage.inputs.factory import open_inputs

_PARALLEL = 8
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
        taken = _taken(wanted, folder, patience)
        if taken is not None:
            return taken
        open_place = partial(open_inputs, s3=wanted.s3)
        alive = partial(progress.add, 0)
        found = list_objects(wanted.sources, open_place, folder, patience, alive)
        with closing(found):
            mine = write_objects(folder, found.roots, _new(found, wanted, patience))
        return mine.model_copy(update={"since": wanted.new_since})

    if run is None:
        listing = list_anew()
    else:
        is_taken = wanted.listing_of is not None
        listing = run.listed(wanted.source, folder, list_anew, wanted.new_since, taken=is_taken)
    objects = finish(folder, listing)
    if wanted.rows == "objects":
        write_objects_index(folder, len(objects))
        return
    progress.begin(listing.bytes)
    known = Known(objects, wanted.s3, patience)
    if not _count(known, wanted, run, folder, progress):
        raise InvalidArgument(f"source has no rows: {len(known)} files, and none of them has any")


def _taken(wanted: Wanted, folder: Path, patience: Patience) -> InputListing | None:
    if wanted.listing_of is None:
        return None
    return take_listing(open_storage(wanted.listing_of, wanted.s3), wanted.source, folder, patience)


def _new(found: Listing, wanted: Wanted, patience: Patience) -> Iterable[tuple[int, InputObject]]:
    """All of it, unless a run is known that has listed some before."""
    if wanted.new_since is None:
        return found
    open_run = partial(open_storage, s3=wanted.s3)
    before = runs_before(wanted.new_since, wanted.source, open_run, patience)
    return only_new(found, found.roots, before, wanted.source, patience)


def _count(
    known: Known, wanted: Wanted, run: InputOfRun | None, folder: Path, progress: Progress
) -> int:
    """Returns how many rows there are."""
    counter = _file_counter(known, wanted)
    skip_blank = wanted.rows == "lines that are not blank"
    kind = ("jsonl-2" if skip_blank else "text-2") if counter is None else _kind(wanted)
    sharing = _sharing(known, wanted.source, kind, run)
    if counter is None:
        sharing = sharing._replace(lanes=1)  # pieces of a block are read side by side
    with Threads(_PARALLEL) as threads:
        cut: Blocks
        blocks: BlockCounter
        if counter is None:
            cut = Cut(known.offsets())
            blocks = LineBlocks(cut, threads, skip_blank=skip_blank)
        else:
            cut = WholeFiles(known.offsets())
            blocks = FileBlocks(cut, threads, counter)
        counts = count_rows(Counting(cut, blocks, known.told), sharing, folder, progress)
    if wanted.rows == "tar":
        refuse_unseen(wanted.columns, counts)

    def name(block: int) -> str:
        return known[next(iter(cut.pieces(block))).object].name

    ends = OpenLines(name, skip_blank=skip_blank).resolve(counts)
    rows = [one.rows for one in counts]
    split = sum(one.split for one in counts)
    fetched = kind if run is not None and run.is_kept else None
    return write_index(folder, zip(rows, ends, strict=True), cut.firsts, fetched, split=split)


def _file_counter(known: Known, wanted: Wanted) -> FileCounter | None:
    """None for lines, which are counted in pieces of files."""
    if wanted.rows == "parquet":
        from batchprocess.data.index.parquet_files import ParquetFiles

        return ParquetFiles(known, wanted.columns)
    if wanted.rows == "tar":
        _refuse_packed(known, _PACKED)
        return TarFiles(wanted.columns)
    some_packed = _refuse_packed(known, _UNKNOWN)
    if wanted.rows == "csv":
        return CsvFiles(known, wanted.columns, wanted.delimiter)
    if some_packed:
        return PackedLines(skip_blank=wanted.rows == "lines that are not blank")
    return None


def _kind(wanted: Wanted) -> str:
    """Of whole files, by all that is asked of them."""
    asked = wanted.model_dump_json(exclude={"sources", "source", "s3", "new_since", "listing_of"})
    return f"files-2-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


def _sharing(known: Known, source: str, kind: str, run: InputOfRun | None) -> Sharing:
    if run is None or not run.is_kept:
        return Sharing(KeptNowhere(), 0.0, _PARALLEL)
    announces = known.objects.about.bytes > _ALONE_BYTES
    kept = KeptInRun(run.storage, run.patience(), source, kind, run.me, announces=announces)
    # A block of one file is read by one thread: alone, an attempt has several.
    return Sharing(kept, run.share, max(1, _PARALLEL // run.shards))


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
