"""Listing a bucket by many requests at a time, whatever its keys look like.

A bucket gives a thousand keys a request, in order, and from any key on. So one worker lists, and
whenever another has nothing to do, what is left is cut at a key behind which there are more.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from batchprocess.runs.patience import Patience, retry_until_known
from batchprocess.storage.inputs.base import InputObject, Page, PagedPlace

WORKERS = 16
_MIN_PAGES = 16
"""Between two cuts of a range: each takes about as many requests."""
_TILDE = ord("~")


class NotInOrder(Exception):
    """The place does not list keys in their order: then it cannot be cut."""


@dataclass
class _Range:
    """Keys behind `after`, up to and with `upto`; None: no end."""

    after: str
    upto: str | None


class _Work:
    """Ranges to be listed, for workers that wait until all are done."""

    def __init__(self, first: _Range) -> None:
        self._changed = threading.Condition()
        self._todo, self._busy, self._waiting = [first], 0, 0
        self.failed: BaseException | None = None

    def take(self) -> _Range | None:
        """The next one; None once there will be none."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._todo or self._over)
            self._waiting -= 1
            if self._over:
                return None
            self._busy += 1
            return self._todo.pop()

    @property
    def _over(self) -> bool:
        return self.failed is not None or not (self._todo or self._busy)

    @property
    def wanted(self) -> bool:
        """Whether somebody has nothing to do."""
        return self._waiting > len(self._todo)

    def give(self, one: _Range) -> None:
        """For who has nothing to do."""
        with self._changed:
            self._todo.append(one)
            self._changed.notify()

    def done(self, failed: BaseException | None) -> None:
        """With a range."""
        with self._changed:
            self._busy -= 1
            self.failed = self.failed or failed
            self._changed.notify_all()


class RangeLister:
    """Lists all below `prefix`. `take` is given pages as they come, by several threads."""

    def __init__(
        self,
        place: PagedPlace,
        prefix: str,
        take: Callable[[Sequence[InputObject]], None],
        patience: Patience,
    ) -> None:
        self._place, self._prefix, self._take = place, prefix, take
        self._patience = patience

    def run(self, workers: int = WORKERS) -> None:
        """Returns once all were given. Raises NotInOrder, and what the place raises."""
        work = _Work(_Range("", None))
        with ThreadPoolExecutor(workers) as pool:
            for _ in range(workers):
                pool.submit(self._work, work)
        if work.failed is not None:
            raise work.failed

    def _work(self, work: _Work) -> None:
        while (one := work.take()) is not None:
            failed: BaseException | None = None
            try:
                self._list(one, work)
            except BaseException as error:  # noqa: BLE001  raised by run
                failed = error
            work.done(failed)

    def _list(self, one: _Range, work: _Work) -> None:
        pages = 0
        while work.failed is None:
            page = self._page(one.after, 1_000)
            keys = [found.key for found in page.objects]
            if keys != sorted(keys) or (page.last and page.last <= one.after):
                raise NotInOrder(self._place.uri)
            self._take([x for x in page.objects if one.upto is None or x.key <= one.upto])
            if not page.more or (one.upto is not None and page.last >= one.upto):
                return
            one.after, pages = page.last, pages + 1
            if pages >= _MIN_PAGES and work.wanted:
                self._cut(one, work)
                pages = 0

    def _cut(self, one: _Range, work: _Work) -> None:
        """Leave about half of the rest to another, as far as what keys begin with can tell."""
        last, upto = one.after, one.upto
        low, high = len(self._prefix), len(last)
        while low < high:  # the first character that is greater in keys which are to come
            middle = (low + high) // 2
            if self._has_more(_raised(last, middle), upto):
                high = middle
            else:
                low = middle + 1
        border = None if low == len(last) else _raised(last, low)
        if border is None:
            return
        least, most = ord(border[-1]), max(ord(border[-1]), _TILDE)
        while least < most:  # the greatest one that is not the last
            middle = (least + most + 1) // 2
            if self._has_more(border[:-1] + chr(middle), upto):
                least = middle
            else:
                most = middle - 1
        border = border[:-1] + chr((ord(border[-1]) + least) // 2)
        work.give(_Range(border, upto))
        one.upto = border

    def _has_more(self, border: str | None, upto: str | None) -> bool:
        if border is None:
            return False
        next_key = self._page(border, 1).last
        return next_key != "" and (upto is None or next_key <= upto)

    def _page(self, after: str, most: int) -> Page:
        return retry_until_known(
            lambda: self._place.page(self._prefix, after, most), self._patience
        )


def _raised(key: str, at: int) -> str | None:
    """The key up to a character, with that one raised by one; None if there is none above it."""
    code = ord(key[at]) + 1
    if code <= ord(" ") or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        return None
    return key[:at] + chr(code)
