"""An index as one object of a run, where rows are not counted by blocks."""

import json
from pathlib import Path

from batchprocess.data.index.folder import ABOUT, FILES
from batchprocess.protocol.errors import VerificationError

MAX_BYTES = 64 << 20


def pack_index(folder: Path) -> bytes | None:
    """A line of JSON with names and sizes of files, then these; None if that is too much."""
    paths = [path for name in (*FILES, ABOUT) if (path := folder / name).exists()]
    sizes = {path.name: path.stat().st_size for path in paths}
    if sum(sizes.values()) > MAX_BYTES:
        return None
    return json.dumps(sizes).encode() + b"\n" + b"".join(path.read_bytes() for path in paths)


def unpack_index(folder: Path, body: bytes) -> None:
    """Write the files again; VerificationError if these are none of ours."""
    head, _, content = body.partition(b"\n")
    try:
        sizes = {str(name): int(size) for name, size in json.loads(head).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise VerificationError(f"the index of the run's input cannot be read: {error}") from error
    known = list(sizes) == [name for name in (*FILES, ABOUT) if name in sizes]
    right = known and sum(sizes.values()) == len(content) and min(sizes.values(), default=-1) >= 0
    if not right:
        raise VerificationError(f"the index of the run's input has other files: {head[:200]!r}")
    at = 0
    for name, size in sizes.items():
        (folder / name).write_bytes(content[at : at + size])
        at += size
