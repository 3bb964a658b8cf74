"""The objects that a reader reads, found once, in the order of their keys."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from batchprocess.data.index.sources import Source
from batchprocess.data.listing.named_once import refuse_named_twice
from batchprocess.data.listing.ranges import WORKERS, NotInOrder, RangeLister
from batchprocess.data.listing.spill import Spill
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.parallel import Threads
from batchprocess.runs.patience import ATTENDED, Patience, retry_until_known
from batchprocess.storage.inputs.base import InputObject, InputPlace, PagedPlace

MAX_OBJECTS = 10_000_000
_PAGE = 1_000


class Listing:
    """All objects of some sources, in order: by key first, whichever root they are of.

    So the order does not depend on how sources are named. Nothing is in memory but a part.
    """

    def __init__(self, roots: tuple[str, ...], spill: Spill) -> None:
        self.roots, self._spill = roots, spill

    def __iter__(self) -> Iterator[tuple[int, InputObject]]:
        """Each with its root's number. Raises InvalidArgument for one that comes twice."""
        before: tuple[Any, Any] = (None, None)
        for key, root, size, etag in self._spill:
            if (key, root) == before:
                raise InvalidArgument(
                    f"source names {self.roots[int(root)].rstrip('/')}/{key} twice: leave one of "
                    "the two out"
                )
            before = key, root
            yield int(root), InputObject(str(key), int(size), str(etag))

    def close(self) -> None:
        """Remove what is on disk."""
        self._spill.close()


class _Lister:
    """`alive` is called with each page of keys."""

    def __init__(
        self,
        roots: tuple[str, ...],
        open_place: Callable[[str], InputPlace],
        patience: Patience,
        folder: Path,
        alive: Callable[[], None],
    ) -> None:
        self._numbers = {root: number for number, root in enumerate(roots)}
        self._places = {root: open_place(root) for root in roots}
        self._patience, self._folder, self._alive = patience, folder, alive
        self._lock, self._listed = threading.Lock(), 0

    def exact(self, sources: Sequence[Source]) -> Spill:
        """Of sources that name one object each."""
        spill = Spill(self._folder)
        with Threads(WORKERS) as threads:
            patient = self._patience.until(threads.stopped)
            calls = (partial(self._find, one, patient) for one in sources)
            for source, found in zip(sources, threads.in_order(calls), strict=True):
                if found is None:
                    raise InvalidArgument(f"source {source.name} {_why_empty(source)}")
                self._count(1)
                spill.add(self._numbers[source.root], [found])
        return spill

    def _find(self, source: Source, patience: Patience) -> InputObject | None:
        return retry_until_known(lambda: self._places[source.root].find(source.path), patience)

    def below(self, source: Source) -> Spill:
        """Of a folder or pattern."""
        place, before = self._places[source.root], self._listed
        if isinstance(place, PagedPlace):
            spill = Spill(self._folder)
            take = partial(self._take, source, spill)
            try:
                RangeLister(place, source.prefix, take, self._patience).run()
                return self._not_empty(source, spill)
            except NotInOrder:
                spill.close()
                self._listed = before
        return retry_until_known(lambda: self._whole(source, before), self._patience)

    def _whole(self, source: Source, before: int) -> Spill:
        """One after the other; what fails in the middle begins anew."""
        self._listed, spill = before, Spill(self._folder)
        try:
            found = self._places[source.root].list(source.prefix)
            while page := list(islice(found, _PAGE)):
                self._take(source, spill, page)
        except BaseException:
            spill.close()
            raise
        return self._not_empty(source, spill)

    def _take(self, source: Source, spill: Spill, page: Sequence[InputObject]) -> None:
        self._alive()
        self._count(len(page))
        spill.add(self._numbers[source.root], [one for one in page if source.has(one.key)])

    def _not_empty(self, source: Source, spill: Spill) -> Spill:
        if spill.empty:
            raise InvalidArgument(f"source {source.name} {_why_empty(source)}")
        return spill

    def _count(self, more: int) -> None:
        with self._lock:
            self._listed += more
            _refuse_too_many(self._listed)


def list_objects(
    sources: Sequence[Source],
    open_place: Callable[[str], InputPlace],
    folder: Path,
    patience: Patience = ATTENDED,
    alive: Callable[[], None] = lambda: None,
) -> Listing:
    """All objects of the sources. Raises InvalidArgument for one that has none, or another's file.

    folder: where temporary files may be. alive: is called now and then.
    """
    roots = tuple(dict.fromkeys(source.root for source in sources))
    lister = _Lister(roots, open_place, patience, folder, alive)
    exact = [source for source in sources if source.exact]
    found = lister.exact(exact)
    for source in sources:
        if not source.exact:
            found.absorb(lister.below(source))
    listing = Listing(roots, found)
    refuse_named_twice(roots, listing, folder)
    return listing


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
