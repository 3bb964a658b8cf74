"""Objects are found once, in the order of their keys."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchprocess.data.index import listing
from batchprocess.data.index.listing import list_objects
from batchprocess.data.index.sources import parse_sources
from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import InvalidArgument, OutcomeUnknown
from batchprocess.runs.patience import Patience
from batchprocess.storage.inputs.base import InputObject, InputPlace
from batchprocess.storage.inputs.factory import open_inputs

Folder = Callable[..., Path]


def opened(root: str) -> InputPlace:
    return open_inputs(root, S3Settings())


def keys(*sources: object) -> list[str]:
    return [one.key for one in list_objects(parse_sources(sources), opened).objects]


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


class FakeFlickeringPlace:
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


def test_a_listing_that_fails_in_the_middle_begins_anew() -> None:
    flickering = FakeFlickeringPlace()
    patience = Patience(30, sleep=lambda _: None)
    found = list_objects(parse_sources("s3://fake/"), lambda _: flickering, patience)
    assert [one.key for one in found.objects] == ["a", "b"]
