"""Of a listing only the objects that a run, and those it came from, have not listed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from batchprocess.data.listing.in_run import listed_objects
from batchprocess.ledger.inputs.listing import read_listing
from batchprocess.ledger.run import ANOTHER
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.inputs.listing import InputListing, run_address
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.runs.row_lists.whole_run import require_whole
from batchprocess.storage.base import Storage
from batchprocess.storage.inputs.base import InputObject

MAX_RUNS = 1_000
"""That a run came from, one after the other: their listings are read at the same time."""


class Before(NamedTuple):
    """A run, and what it has listed of the source."""

    run: Storage
    listing: InputListing


def runs_before(
    since: str, source: str, open_run: Callable[[str], Storage], patience: Patience
) -> list[Before]:
    """The run at the address `since`, the one that it came from, and so on.

    Raises InvalidArgument for one whose rows of what it has listed are not all processed.
    """
    found: list[Before] = []
    address: str | None = since
    while address is not None:
        run = open_run(address)
        if len(found) == MAX_RUNS or any(one.run.uri == run.uri for one in found):
            raise InvalidArgument(
                f"input.newSince: {since} came from more than {MAX_RUNS} runs, or from itself: "
                f"process everything in a run of its own ({ANOTHER})"
            )
        require_whole(run, "input.newSince", patience)
        listing = perform(read_listing(source), run, patience)
        if listing is None:
            raise InvalidArgument(
                f"input.newSince: run {run.uri} has not listed this source: give the same uri, as "
                "it is written there"
            )
        found.append(Before(run, listing))
        address = None if listing.since is None else run_address(listing.since, run.uri)
    return found


def only_new(
    now: Iterable[tuple[int, InputObject]],
    roots: Sequence[str],
    before: Sequence[Before],
    source: str,
    patience: Patience,
) -> Iterator[tuple[int, InputObject]]:
    """What is in `now`, in order of keys, and in no listing; read along, so nothing is held.

    Raises InvalidArgument for an object that was changed since it was listed, as it is neither new
    nor done, and where nothing is new.
    """
    known = groupby(
        merge(*(_listed(one, source, roots, patience) for one in before), key=attrgetter("key")),
        key=attrgetter("key"),
    )
    key, same = next(known, (None, iter(())))
    old, some = list(same), 0
    for root, one in now:
        while key is not None and key < one.key:
            key, same = next(known, (None, iter(())))
            old = list(same)
        listed = [found for found in old if key == one.key and found.root == roots[root]]
        if not listed:
            some += 1
            yield root, one
        elif not any(found.object == one for found in listed):
            raise InvalidArgument(
                f"{roots[root].rstrip('/')}/{one.key} was changed since run {listed[0].run} has "
                "listed it, so it is neither new nor done: give it a name of its own, put it back, "
                f"or process everything in a run of its own ({ANOTHER})"
            )
    if not some:
        raise InvalidArgument(f"nothing is new since run {before[0].run.uri}: it has all files")


class _Listed(NamedTuple):
    key: str
    root: str
    object: InputObject
    run: str


def _listed(
    before: Before, source: str, roots: Sequence[str], patience: Patience
) -> Iterator[_Listed]:
    """In order of keys. Roots are those of now, by number: folders may be mounted elsewhere."""
    then = before.listing.roots
    names = roots if len(roots) == len(then) else then
    for root, one in listed_objects(before.run, source, before.listing, patience):
        yield _Listed(one.key, names[root], one, before.run.uri)
