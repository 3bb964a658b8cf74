"""A file that two folders of a source have would be read twice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from batchprocess.data.index.listing import list_objects
from batchprocess.data.index.sources import parse_sources
from batchprocess.data.listing.named_once import refuse_named_twice
from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.storage.inputs.base import InputObject
from batchprocess.storage.inputs.factory import open_inputs


def listed(sources: list[str], folder: Path) -> list[str]:
    def open_place(root: str) -> object:
        return open_inputs(root, S3Settings())

    found = list_objects(parse_sources(sources), open_place, folder)  # type: ignore[arg-type]
    return [f"{found.roots[root].rstrip('/')}/{one.key}" for root, one in found]


@pytest.mark.parametrize(
    "sources",
    [
        ["in", "in/a.txt"],
        ["in/", "in"],
        ["in/*.txt", "in"],
        ["in/a.txt", "./in/a.txt"],
        ["in/d/../a.txt", "in/a.txt"],
        ["in//a.txt", "in/a.txt"],
        ["in", "link"],
        [".", "in/d/"],
    ],
)
def test_it_is_refused_however_the_folders_are_written(
    folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: list[str]
) -> None:
    folder("a.txt", "d/b.txt")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("in")
    (tmp_path / "spill").mkdir()
    with pytest.raises(InvalidArgument, match=r"source names .*/in/(a|d/b)\.txt twice, once in "):
        listed(sources, tmp_path / "spill")
    assert listed([str(Path(sources[0]).resolve())], tmp_path / "spill")


def test_folders_within_one_another_may_have_each_their_own(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    made = folder("a.txt", "d/b.txt", "d.txt", "da/c.txt")
    found = listed([f"{made}/a.txt", f"{made}/d", f"{made}/da/*.txt", f"{made}/d.txt"], tmp_path)
    assert found == [f"{made}/{key}" for key in ("a.txt", "d/b.txt", "da/c.txt", "d.txt")]


def test_buckets_are_no_folders(tmp_path: Path) -> None:
    both = [(0, InputObject("x", 1)), (1, InputObject("x", 1))]
    refuse_named_twice(["s3://in", "s3://in2"], both, tmp_path)
    refuse_named_twice([str(tmp_path), f"{tmp_path}2"], both, tmp_path)
    assert list(tmp_path.iterdir()) == []
