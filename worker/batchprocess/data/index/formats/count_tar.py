"""Finding the samples of many tar files side by side, by their headers."""

import hashlib
import io
from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from batchprocess.data.index.count_lines import Said
from batchprocess.data.index.formats.tar_samples import KEY, TarWalk
from batchprocess.data.index.input_file import InputFile
from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import Offsets
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.parallel import Threads

_PARALLEL, _BUFFER, _BLOCK = 8, 4 << 20, 512
_MAX_EXTENSIONS = 1024


def count_tar(
    known: Sequence[KnownObject], columns: Sequence[str] | None
) -> Iterator[tuple[int, Offsets]]:
    """Of each file, in order, its samples, and of each of them, and of the end, number and offset.

    Raises InvalidArgument for a file that is not whole, and for columns that no sample has.
    """
    said = Said(sum(one.object.size for one in known))
    seen: set[str] = {KEY}
    with Threads(_PARALLEL) as threads:
        for found in threads.in_order(partial(_count, one, said) for one in known):
            seen |= found.extensions
            yield len(found.marks) - 1, found.marks
    for column in columns or ():
        if column not in seen:
            has = ", ".join(sorted(seen))[:500]
            raise InvalidArgument(f"columns: no sample has {column!r}; there are {has}")


class _File(NamedTuple):
    marks: Offsets
    extensions: set[str]


def _count(one: KnownObject, said: Said) -> _File:
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
    said.add(one.object.size)
    offsets = np.array([*begins, end], np.int64)
    return _File(np.stack((np.arange(len(offsets)), offsets), axis=1), extensions)


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
