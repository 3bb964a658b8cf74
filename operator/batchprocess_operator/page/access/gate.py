"""Who may see what, asked of the API server no more often than it can bear."""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from batchprocess_operator.kube.client import Api
from batchprocess_operator.listen.meters import Meters, Rate
from batchprocess_operator.page.access.known_tokens import KnownTokens
from batchprocess_operator.page.access.remembered import Remembered
from batchprocess_operator.page.access.reviews import (
    Person,
    Right,
    review_access,
    review_token,
)

REMEMBERED_SECONDS = 45.0
"""With the 10 s for which an API server remembers a token itself, less than a minute."""
MAX_PEOPLE = 500
MAX_ACCESSES = 20_000
MAX_NAMESPACES = 100
"""New ones that are asked about for one page; the next page, seconds later, asks on."""
MAX_DENIED = 25
"""Asked about again for one page, of those where the viewer might not list jobs before."""
STRANGERS = Rate(1 / 5, burst=50)
ADDRESS = Rate(1.0, burst=20)
"""Unknown tokens that are asked about: of all, and of one address."""
ACCESSES = Rate(1 / 8, burst=300)
"""Questions about what one person may."""
PAGES = Rate(1 / 4, burst=40)
"""That one person is shown."""


class TooOften(Exception):
    """Not asked, for there were too many questions. `seconds` until there may be one more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many questions; the next one in {seconds:.0f} s")
        self.seconds = max(1, round(seconds))


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who is logged in; `digest` of their token.

    `identity`: digest of the token and of whom it stands for. Rights are remembered by it, so that
    those of a group end with the group.
    """

    digest: bytes
    person: Person
    identity: bytes


class Gate:
    """Answers are remembered by the token's digest, never the token. `clock` in seconds."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api, self._clock = api, clock
        self._people: Remembered[bytes, Person | None] = Remembered(
            clock, REMEMBERED_SECONDS, MAX_PEOPLE
        )
        self._accesses: Remembered[tuple[bytes, Right], bool] = Remembered(
            clock, REMEMBERED_SECONDS, MAX_ACCESSES
        )
        self._known = KnownTokens(clock, 3_600.0, MAX_PEOPLE)
        self._strangers, self._addresses = Meters(STRANGERS), Meters(ADDRESS)
        self._asked, self._pages = Meters(ACCESSES), Meters(PAGES)

    async def viewer(self, token: str, address: str) -> Viewer | None:
        """Whose token it is; None if nobody's. Raises ApiError, TooOften, TooMuchOfAPerson."""
        digest = hashlib.sha256(token.encode()).digest()
        # Who was somebody within the hour is not kept out by those who guess.
        if not self._people.has(digest) and not self._known.has(digest):
            self._count_stranger(address)
        person = await self._people.get(digest, lambda: review_token(self._api, token))
        if person is None:
            return None
        self._known.add(digest, person.party)
        return Viewer(digest, person, hashlib.sha256(digest + person.asked_as).digest())

    def count_page(self, viewer: Viewer) -> None:
        """One more page for somebody. Raises TooOften."""
        self._count(self._pages, viewer.digest.hex())

    async def may(self, viewer: Viewer, right: Right) -> bool:
        """Whether they may. Raises ApiError and TooOften."""
        key = viewer.identity, right
        if not self._accesses.has(key):
            self._count(self._asked, viewer.digest.hex())
        return await self._accesses.get(key, lambda: review_access(self._api, viewer.person, right))

    async def readable(
        self, viewer: Viewer, namespaces: Collection[str]
    ) -> tuple[frozenset[str], bool]:
        """In which of these they may list jobs, and whether it is not known yet of some."""
        if await self.may(viewer, Right("list")):
            return frozenset(namespaces), False
        there = sorted(namespaces)
        with suppress(TooOften):  # what was asked in time is known then
            await self._may_list(viewer, self._to_ask(viewer, there))
        known = [one for one in there if self._accesses.has((viewer.identity, _listing(one)))]
        found = await self._may_list(viewer, known)
        allowed = frozenset(one for one, may in zip(known, found, strict=True) if may)
        return allowed, any(
            self._accesses.latest((viewer.identity, _listing(one))) is None for one in there
        )

    def _to_ask(self, viewer: Viewer, namespaces: Sequence[str]) -> list[str]:
        """Those of which it is not known now: first where they might list jobs when last asked.

        Of the others those that were never asked about, and then those for longest not.
        """
        keys = {one: (viewer.identity, _listing(one)) for one in namespaces}
        before = {
            one: self._accesses.latest(key)
            for one, key in keys.items()
            if not self._accesses.has(key)
        }
        allowed = [one for one, last in before.items() if last is not None and last[1]]
        new = [one for one, last in before.items() if last is None]
        denied = {one: last[0] for one, last in before.items() if last is not None and not last[1]}
        longest = sorted(denied, key=denied.__getitem__)
        return [*allowed, *new[:MAX_NAMESPACES], *longest[:MAX_DENIED]]

    async def _may_list(self, viewer: Viewer, namespaces: Sequence[str]) -> list[bool]:
        return await asyncio.gather(*(self.may(viewer, _listing(one)) for one in namespaces))

    def _count_stranger(self, address: str) -> None:
        now = self._clock()
        wait = max(self._addresses.wait(address, now), self._strangers.wait("", now))
        if wait > 0:
            raise TooOften(wait)
        self._addresses.count(address, now)
        self._strangers.count("", now)

    def _count(self, meters: Meters, key: str) -> None:
        now = self._clock()
        if (wait := meters.wait(key, now)) > 0:
            raise TooOften(wait)
        meters.count(key, now)


def _listing(namespace: str) -> Right:
    return Right("list", namespace)
