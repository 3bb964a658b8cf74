"""Objects are found once, in the order of their keys."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from batchprocess.data.index import listing
from batchprocess.data.index.listing import list_objects
from batchprocess.data.index.sources import parse_sources
from batchprocess.data.listing import spill
from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import InvalidArgument, OutcomeUnknown
from batchprocess.runs.patience import Patience
from batchprocess.storage.inputs.base import InputObject, InputPlace, Page
from batchprocess.storage.inputs.factory import open_inputs

Folder = Callable[..., Path]


def opened(root: str) -> InputPlace:
    return open_inputs(root, S3Settings())


def keys(*sources: object) -> list[str]:
    with TemporaryDirectory() as folder:
        found = list_objects(parse_sources(sources), opened, Path(folder))
        with closing(found):
            listed = [one.key for _, one in found]
        assert list(Path(folder).iterdir()) == []
    return listed


def test_the_order_is_that_of_the_keys_whatever_was_named_first(folder: Folder) -> None:
    at = folder("b.txt", "a/z.txt", "a.txt", "_SUCCESS", ".x")
    assert keys(at) == ["a.txt", "a/z.txt", "b.txt"]
    assert keys(at / "b.txt", at / "a.txt") == ["a.txt", "b.txt"]
    assert keys(f"{at}/*.txt", at / "a") == ["a.txt", "b.txt", "z.txt"]


def test_what_is_named_twice_is_refused(folder: Folder) -> None:
    at = folder("a.txt", "b.txt")
    with pytest.raises(InvalidArgument, match=r"names .*in/a.txt twice: leave one of the two out"):
        keys(at, at)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nowhere/", "nowhere/ does not exist: is it mounted"),
        ("*.jsonl", r"matches no file, those with names that begin with . or _ left out"),
        ("", "has no files"),
    ],
)
def test_a_source_without_files_is_refused(folder: Folder, source: str, sentence: str) -> None:
    at = folder("_SUCCESS", "sub/.x") / ("sub" if not source else "")
    with pytest.raises(InvalidArgument) as raised:
        keys(f"{at}/{source}")
    assert sentence in str(raised.value)


def test_more_than_can_be_held_are_refused(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_OBJECTS", 2)
    with pytest.raises(InvalidArgument, match="more than 2 objects: pack them"):
        keys(folder("a", "b", "c", "d"))


def test_order_and_number_do_not_depend_on_what_memory_holds(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number % 7}/{number}" for number in range(60)]
    at = folder(*names)
    monkeypatch.setattr(spill.Spill.__init__, "__defaults__", (10,))
    monkeypatch.setattr(listing, "_PAGE", 8)
    assert keys(at) == sorted(names)
    some = [f"{at}/{number}/" for number in (3, 0, 5)]
    assert keys(*some) == sorted(name[2:] for name in names if name[0] in "305")


class FakeFlickeringFolder:
    """Fails the first time, in the middle of its listing."""

    uri = "fake"
    failed = False

    def list(self, prefix: str) -> Iterator[InputObject]:
        yield InputObject("a", 1)
        if not self.failed:
            self.failed = True
            raise OutcomeUnknown("a page was lost")
        yield InputObject("b", 1)

    def find(self, key: str) -> InputObject | None:
        return None

    def read(self, known: InputObject, start: int, stop: int) -> bytes:
        raise AssertionError("nothing is read")


class FakeDisorderedBucket(FakeFlickeringFolder):
    """Its pages are in no order, as those of some buckets."""

    failed = True

    def page(self, prefix: str, after: str, most: int) -> Page:
        return Page([InputObject("b", 1), InputObject("a", 1)], "a", more=False)


@pytest.mark.parametrize("place", [FakeFlickeringFolder(), FakeDisorderedBucket()])
def test_a_listing_that_goes_wrong_in_the_middle_begins_anew(
    place: InputPlace, tmp_path: Path
) -> None:
    patience = Patience(30, sleep=lambda _: None)
    found = list_objects(parse_sources("s3://fake/"), lambda _: place, tmp_path, patience)
    assert [one.key for _, one in found] == ["a", "b"]


MANY = """
import json, sys, time
from bisect import bisect_right
from pathlib import Path
from batchprocess.data.index.listing import list_objects
from batchprocess.data.index.sources import parse_sources
from batchprocess.data.listing.object_list import finish, write_objects
from batchprocess.storage.inputs.base import InputObject, Page

OBJECTS, folder = int(sys.argv[1]), Path(sys.argv[2])

def key(number):
    return f"in/{number % 100:02d}/part-{number // 100:06d}.jpg"

def place_of(rank):
    each = -(-OBJECTS // 100)
    return rank % each * 100 + rank // each

class FakeBucket:
    uri, requests = "s3://fake", 0

    def page(self, prefix, after, most):
        self.requests += 1
        first = bisect_right(range(OBJECTS), after, key=lambda rank: key(place_of(rank)))
        some = range(first, min(first + most, OBJECTS))
        found = [InputObject(key(place_of(rank)), 1, f'"{rank:032x}"') for rank in some]
        return Page(found, found[-1].key if found else "", first + most < OBJECTS)

    list = find = read = lambda *_: None  # nobody asks

bucket, began = FakeBucket(), time.monotonic()
found = list_objects(parse_sources("s3://fake/in/"), lambda _: bucket, folder)
listed = time.monotonic() - began
listing = write_objects(folder, found.roots, found)
found.close()
objects = finish(folder, listing)
last = objects[len(objects) - 1][1].key
said = {"objects": len(objects), "first": objects[0][1].key, "last": last,
        "requests": bucket.requests, "listed": listed, "all": time.monotonic() - began,
        "MiB": int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024,
        "parts": len(listing.parts)}
print(json.dumps(said))
"""


@pytest.mark.slow
@pytest.mark.parametrize("objects", [300_000, pytest.param(10_000_000, marks=pytest.mark.full)])
def test_ten_million_objects_take_300_mib_at_most(tmp_path: Path, objects: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MANY, str(objects), str(tmp_path)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=900,
    )
    said = json.loads(done.stdout)
    print(said)
    assert said["objects"] == objects
    assert said["first"] == "in/00/part-000000.jpg"
    assert said["last"] == f"in/99/part-{objects // 100 - 1:06d}.jpg"
    assert said["MiB"] <= 300
    assert said["requests"] < 1.3 * objects / 1_000 + 1_000
