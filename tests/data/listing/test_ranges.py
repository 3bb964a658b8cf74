"""Keys are listed once each by many requests at a time, whatever they look like."""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchprocess.data.listing.ranges import NotInOrder, RangeLister
from batchprocess.protocol.errors import OutcomeUnknown, StorageDenied
from batchprocess.runs.patience import Patience
from batchprocess.storage.inputs.base import InputObject, Page

PATIENCE = Patience(30, refusal_is_final=True, sleep=lambda _: None)


class FakeBucket:
    """Keys in order, a few a page. `before` is called before each request."""

    uri = "s3://fake"

    def __init__(self, keys: Sequence[str], each: int, before: Callable[[], None]) -> None:
        self.keys, self.each, self.before = sorted(keys), each, before
        self.requests: list[tuple[str, int]] = []

    def page(self, prefix: str, after: str, most: int) -> Page:
        self.before()
        self.requests.append((after, most))
        below = [key for key in self.keys if key.startswith(prefix)]
        first = bisect_right(below, after)
        last = first + min(most, self.each)
        some = below[first:last]
        objects = [InputObject(key, 1) for key in some if not key.endswith("/")]
        return Page(objects, some[-1] if some else "", last < len(below))

    def list(self, prefix: str) -> Iterator[InputObject]:
        raise AssertionError("it is listed by pages")

    def find(self, key: str) -> InputObject | None:
        raise AssertionError("nothing is looked for")

    def read(self, known: InputObject, start: int, stop: int) -> bytes:
        raise AssertionError("nothing is read")


def nothing() -> None:
    """Before a request."""


def listed(bucket: FakeBucket, prefix: str = "", workers: int = 4) -> list[str]:
    found: list[str] = []
    lock = threading.Lock()

    def take(page: Sequence[InputObject]) -> None:
        with lock:
            found.extend(one.key for one in page)

    RangeLister(bucket, prefix, take, PATIENCE).run(workers)
    return sorted(found)


@settings(deadline=None, max_examples=60)
@given(
    st.sets(st.text("ab0/\x1f \ud7ff\ue000\U0010ffff", min_size=1, max_size=6), max_size=60),
    st.integers(1, 5),
    st.sampled_from(["", "a", "a/"]),
)
def test_every_key_is_given_once(keys: set[str], each: int, prefix: str) -> None:
    expected = sorted(k for k in keys if k.startswith(prefix) and not k.endswith("/"))
    assert listed(FakeBucket(list(keys), each, nothing), prefix) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys",
    [
        [f"in/part-{number:05d}.jsonl" for number in range(4_000)],
        [f"in/{number % 3}/{number}" for number in range(4_000)],
        [f"in/{number * 2654435761 % 2**32:08x}" for number in range(4_000)],
    ],
    ids=["flat", "folders", "hashes"],
)
def test_all_workers_have_a_share(keys: list[str]) -> None:
    shares: dict[int, int] = {}
    together = threading.Barrier(4)

    def wait_for_others() -> None:
        mine = threading.get_ident()
        shares[mine] = shares.get(mine, 0) + 1
        try:
            together.wait(0.05)
        except threading.BrokenBarrierError:
            together.reset()

    bucket = FakeBucket(keys, 20, wait_for_others)
    assert listed(bucket, "in/") == sorted(set(keys))
    pages = [most for _, most in bucket.requests if most > 1]
    assert len(pages) < 1.2 * len(keys) / 20
    assert max(shares.values()) < 0.6 * len(bucket.requests)
    assert len(shares) == 4


def test_a_page_that_is_lost_is_asked_for_again_and_no_other() -> None:
    left = [True, False, True, True, False]

    def flicker() -> None:
        if left and left.pop():
            raise OutcomeUnknown("lost")

    keys = [f"{number:03d}" for number in range(100)]
    assert listed(FakeBucket(keys, 10, flicker)) == keys


def test_what_ends_one_worker_ends_all() -> None:
    asked = 0

    def refuse() -> None:
        nonlocal asked
        asked += 1
        if asked > 5:
            raise StorageDenied("no")

    with pytest.raises(StorageDenied):
        listed(FakeBucket([f"{number:03d}" for number in range(500)], 5, refuse))


@pytest.mark.parametrize(
    ("objects", "last"), [(["b", "a"], "a"), (["a"], "a")], ids=["disorder", "no progress"]
)
def test_a_bucket_without_order_is_found_out(objects: list[str], last: str) -> None:
    class FakeOther(FakeBucket):
        def page(self, prefix: str, after: str, most: int) -> Page:
            return Page([InputObject(key, 1) for key in objects], last, more=True)

    with pytest.raises(NotInOrder):
        listed(FakeOther([], 1, nothing))
