"""Tokens that were somebody's a while ago, and so are no guesses."""

from collections import Counter, OrderedDict
from collections.abc import Callable


class KnownTokens:
    """At most `most` digests, each for `seconds` from when it was seen last. `clock` in seconds.

    Of too many the oldest goes of the party that has most: whoever may make tokens makes nobody
    else a stranger again.
    """

    def __init__(self, clock: Callable[[], float], seconds: float, most: int) -> None:
        self._clock, self._seconds, self._most = clock, seconds, most
        self._seen: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def has(self, digest: bytes) -> bool:
        """Whether it was somebody's within that time."""
        seen = self._seen.get(digest)
        return seen is not None and self._clock() - seen[0] < self._seconds

    def add(self, digest: bytes, party: str) -> None:
        """It is somebody's now."""
        self._seen[digest] = self._clock(), party
        self._seen.move_to_end(digest)
        while len(self._seen) > self._most:
            counts = Counter(of for _, of in self._seen.values())
            del self._seen[max(self._seen, key=lambda one: counts[self._seen[one][1]])]
