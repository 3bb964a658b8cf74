"""What has become of a run's input since it was listed."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from batchprocess.data.listing.in_run import listed_objects
from batchprocess.data.listing.object_list import ObjectList
from batchprocess.protocol.dry_run import InputChanges
from batchprocess.protocol.inputs.listing import InputListing
from batchprocess.runs.patience import Patience
from batchprocess.storage.base import Storage
from batchprocess.storage.inputs.base import InputObject

Found = tuple[str, InputObject]


class _Change(NamedTuple):
    kind: str
    name: str


def changes(then: Iterable[Found], now: Iterable[Found]) -> InputChanges:
    """Of two listings, each in order: how many objects are in one only, or are others now."""
    counts = {"added": 0, "changed": 0, "missing": 0}
    first = None
    for one in _changes(iter(then), iter(now)):
        counts[one.kind] += 1
        first = first or one.name
    return InputChanges(**counts, first=first)


def _changes(then: Iterator[Found], now: Iterator[Found]) -> Iterator[_Change]:
    old, new = next(then, None), next(now, None)
    while old is not None or new is not None:
        if old is None or (new is not None and _place(new) < _place(old)):
            yield _Change("added", _name(new))
            new = next(now, None)
        elif new is None or _place(old) < _place(new):
            yield _Change("missing", _name(old))
            old = next(then, None)
        else:
            if old[1] != new[1]:
                yield _Change("changed", _name(new))
            old, new = next(then, None), next(now, None)


def _place(found: Found) -> tuple[str, str]:
    return found[1].key, found[0]


def _name(found: Found | None) -> str:
    return "" if found is None else f"{found[0].rstrip('/')}/{found[1].key}"


def changes_since(
    storage: Storage, source: str, listing: InputListing, now: ObjectList, patience: Patience
) -> InputChanges:
    """As `changes`, of what a run has listed; its roots count as those of now, by number."""
    if listing.fingerprint == now.about.fingerprint:
        return InputChanges()
    return changes(_objects_of(storage, source, listing, now, patience), now)


def _objects_of(
    storage: Storage, source: str, listing: InputListing, now: ObjectList, patience: Patience
) -> Iterator[Found]:
    roots = now.about.roots if len(now.about.roots) == len(listing.roots) else listing.roots
    for root, one in listed_objects(storage, source, listing, patience):
        yield roots[root], one
