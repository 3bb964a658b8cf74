"""The objects that a reader reads, found once, in the order of their keys."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from batchprocess.data.index.sources import Source
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.patience import ATTENDED, Patience, retry_until_known
from batchprocess.storage.inputs.base import InputObject, InputPlace

MAX_OBJECTS = 10_000_000


@dataclass(frozen=True)
class Listing:
    """Places, and objects in order; `places[n]` is that of `objects[n]`'s index in `of`."""

    roots: tuple[str, ...]
    objects: tuple[InputObject, ...]
    of: tuple[int, ...]
    """For each object the number of its root."""


def list_objects(
    sources: Sequence[Source],
    open_place: Callable[[str], InputPlace],
    patience: Patience = ATTENDED,
) -> Listing:
    """All objects of the sources. Raises InvalidArgument for one that has none, and for twins."""
    roots = tuple(dict.fromkeys(source.root for source in sources))
    places = {root: open_place(root) for root in roots}
    found: list[tuple[int, InputObject]] = []
    for source in sources:
        of_source = retry_until_known(lambda one=source: _of(one, places[one.root]), patience)  # type: ignore[misc]
        number = roots.index(source.root)
        found += [(number, one) for one in of_source]
        _refuse_too_many(len(found))
    # By key first, whichever root it is of: the order must not depend on how sources are listed.
    found.sort(key=lambda pair: (pair[1].key, pair[0]))
    for (root, one), (next_root, other) in pairwise(found):
        if (root, one.key) == (next_root, other.key):
            raise InvalidArgument(
                f"source names {roots[root].rstrip('/')}/{one.key} twice: leave one of the two out"
            )
    return Listing(roots, tuple(one for _, one in found), tuple(root for root, _ in found))


def _of(source: Source, place: InputPlace) -> list[InputObject]:
    found = _exact(source, place) if source.exact else _below(source, place)
    if not found:
        raise InvalidArgument(f"source {source.name} {_why_empty(source)}")
    return found


def _exact(source: Source, place: InputPlace) -> list[InputObject]:
    found = place.find(source.path)
    return [] if found is None else [found]


def _below(source: Source, place: InputPlace) -> list[InputObject]:
    found = []
    for one in _bounded(place.list(source.prefix)):
        if source.has(one.key):
            found.append(one)
    return found


def _bounded(objects: Iterable[InputObject]) -> Iterable[InputObject]:
    for number, one in enumerate(objects):
        _refuse_too_many(number)
        yield one


def _refuse_too_many(number: int) -> None:
    if number > MAX_OBJECTS:
        raise InvalidArgument(
            f"source has more than {MAX_OBJECTS:,} objects: pack them (tar, Parquet), or give "
            "several jobs a part each"
        )


def _why_empty(source: Source) -> str:
    if source.exact:
        hint = " (a folder's address ends in /)" if source.root.startswith("s3://") else ""
        return f"does not exist{hint}: is it mounted, and spelled right?"
    what = "matches no file" if source.is_glob else "has no files"
    return f"{what}, those with names that begin with . or _ left out: is the path right?"
