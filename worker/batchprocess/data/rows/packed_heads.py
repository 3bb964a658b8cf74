"""How much of packed files is unpacked only to come to a first row."""

from batchprocess.data.index.folder import Index
from batchprocess.data.index.packing.decoders import packing_of


def packed_whole(index: Index) -> int:
    """How many packed objects can be read from their begin alone."""
    packed = sum(packing_of(one.key) is not None for _, one in index.objects)
    return packed - index.split


def packed_head(index: Index, row: int) -> int:
    """Bytes that are unpacked before the row, by a process that begins with it."""
    place = index.place(row)
    _, one = index.object(place.object)
    if packing_of(one.key) is None:
        return 0
    start = index.span(place.block, place.object, (place.row, place.row + 1), one.size).start
    return start - index.point(place.block, place.object, start).unpacked
