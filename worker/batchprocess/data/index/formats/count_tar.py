"""Finding the samples of tar files, by their headers."""

import hashlib
import io
from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from batchprocess.data.index.blocks.count_files import FileRows
from batchprocess.data.index.formats.tar_samples import KEY, TarWalk
from batchprocess.data.index.input_file import InputFile
from batchprocess.data.index.known_object import KnownObject
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.inputs.blocks import BlockCount

_BUFFER, _BLOCK = 4 << 20, 512
_MAX_EXTENSIONS = 1024


class TarFiles:
    """Counts files one by one. columns: extensions that are asked for."""

    def __init__(self, columns: Sequence[str] | None) -> None:
        self.columns = columns

    def count(self, one: KnownObject) -> FileRows:
        """Its samples, and of each of them, and of the end, number and offset.

        Raises InvalidArgument for a file that is not whole.
        """
        return _count(one)


def refuse_unseen(columns: Sequence[str] | None, counts: Iterable[BlockCount]) -> None:
    """Raise InvalidArgument for columns that no sample has."""
    seen = {KEY}.union(*(one.extensions for one in counts))
    for column in columns or ():
        if column not in seen:
            has = ", ".join(sorted(seen))[:500]
            raise InvalidArgument(f"columns: no sample has {column!r}; there are {has}")


def _count(one: KnownObject) -> FileRows:
    file = io.BufferedReader(InputFile(one.object.size, one.read), _BUFFER)
    walk = TarWalk(file, one.name)
    begins, keys, extensions, end = array("q"), array("q"), set[str](), 0
    for sample in walk:
        begins.append(sample.begin)
        keys.append(_digest(sample.key))
        extensions |= sample.files.keys()
        end = sample.end
        if len(extensions) > _MAX_EXTENSIONS:
            raise InvalidArgument(
                f"{one.name} has files with more than {_MAX_EXTENSIONS} extensions, which would be "
                "columns: a name's part up to its first dot says which sample it belongs to"
            )
    _refuse_if_not_whole(one, walk)
    _refuse_scattered(one, keys)
    offsets = np.array([*begins, end], np.int64)
    marks = np.stack((np.arange(len(offsets)), offsets), axis=1)
    return FileRows(len(begins), marks, extensions=extensions)


def _digest(key: str) -> int:
    short = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(short, "big", signed=True)


def _refuse_if_not_whole(one: KnownObject, walk: TarWalk) -> None:
    """Behind the last file a tar has a block of zeros, and nothing but zeros follows."""
    size = one.object.size
    if walk.end + _BLOCK > size:
        # The sample that it ends in may have had more files.
        whole = max(walk.count - 1, 0)
        raise InvalidArgument(
            f"{one.name} is cut off behind byte {walk.end}, for nothing says that it ends there: "
            f"{whole} samples are whole; pack it again, or leave it out"
        )
    for start in range(walk.end, size, _BUFFER):
        if any(one.read(start, min(start + _BUFFER, size))):
            raise InvalidArgument(
                f"{one.name} has something else than a file at byte {walk.end} or behind, where "
                f"its {walk.count} samples end: is it damaged, or several tar files in one (join "
                "such with tar --concatenate)?"
            )


def _refuse_scattered(one: KnownObject, keys: "array[int]") -> None:
    found, first = np.unique(np.frombuffer(keys, np.int64), return_index=True)
    if len(found) < len(keys):
        row = int(np.setdiff1d(np.arange(len(keys)), first)[0])
        raise InvalidArgument(
            f"{one.name}: row {row} has the key of an earlier one, for the files of a sample must "
            "follow one another: pack them in the order of their names (tar --sort=name)"
        )
