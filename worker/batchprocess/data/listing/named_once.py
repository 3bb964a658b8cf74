"""Whether sources in several folders name a file twice, as a folder and a pattern in it do."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from batchprocess.data.listing.spill import Spill
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.storage.inputs.base import InputObject


def refuse_named_twice(
    roots: Sequence[str], listing: Iterable[tuple[int, InputObject]], folder: Path
) -> None:
    """Raise InvalidArgument for a file that two roots have.

    The same object of one root is not looked for. folder: where temporary files may be; nothing is
    in memory but a part, and nothing is looked at where no root is within another.
    """
    real = {n: Path(one).resolve() for n, one in enumerate(roots) if not one.startswith("s3://")}
    if not _overlap(real.values()):
        return
    with closing(Spill(folder)) as places:
        for root, one in listing:
            if root in real:
                places.add(root, [InputObject(str(real[root] / one.key), 0)])
        before = ""
        for place, number, *_ in places:
            if place == before:
                raise InvalidArgument(
                    f"source names the file {place} twice, once in {roots[int(number)]}: leave "
                    "one of the two out"
                )
            before = str(place)


def _overlap(folders: Iterable[Path]) -> bool:
    """Whether one is another, or within it."""
    parts = sorted(one.parts for one in folders)
    return any(two[: len(one)] == one for one, two in pairwise(parts))
