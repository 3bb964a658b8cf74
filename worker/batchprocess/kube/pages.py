"""A collection page by page: tenants decide how large objects are, so how many fit. Pure."""

from collections.abc import Mapping
from typing import Any

from batchprocess.kube.requests import Request, get

PAGE = 500
MAX_PAGE = 2 << 20
"""Of text; in memory it is up to twenty times as large. Pages of larger objects have fewer."""
MAX_ANSWER = 16 << 20
"""Of one object, which has at most 1.5 MiB in etcd, and as JSON a few times as much."""


class Pages:
    """Which page of the collection at `path` to ask for next, and how much of it to read.

    Whoever asks says how each went: `shrink` if more came than `most`, else `took`.
    """

    def __init__(self, path: str, selector: str | None = None) -> None:
        self._path, self._size = path, PAGE
        self._query = {} if selector is None else {"labelSelector": selector}
        self.more = True
        """Whether there is a page that was not taken."""

    @property
    def request(self) -> Request:
        """For the next page."""
        return get(self._path, self._query | {"limit": str(self._size)})

    @property
    def alone(self) -> bool:
        """Whether one object is asked for: nothing smaller could be."""
        return self._size == 1

    @property
    def most(self) -> int:
        """How many bytes of the answer to read."""
        return MAX_ANSWER if self.alone else MAX_PAGE

    def shrink(self) -> None:
        """Ask for half as many instead."""
        self._size = max(self._size // 2, 1)

    def took(self, page: Mapping[str, Any], length: int) -> None:
        """Go on behind `page`, which had `length` bytes."""
        if length < MAX_PAGE // 4:
            self._size = min(2 * self._size, PAGE)
        token = (page.get("metadata") or {}).get("continue")
        self.more = bool(token)
        self._query = self._query | {"continue": str(token)}
