"""Two names for one file, as a folder shows it that does not tell upper from lower case."""

from pathlib import Path

import pytest

from batchprocess.storage.spelling import other_spelling
from support.storage.spelling import show_as_written


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Holds `Deep/A.txt`, which is found as `deep/a.txt` too, but only listed as it was written."""
    (tmp_path / "Deep").mkdir()
    (tmp_path / "Deep" / "A.txt").write_bytes(b"1")
    (tmp_path / "Deep" / "a.txt").hardlink_to(tmp_path / "Deep" / "A.txt")
    (tmp_path / "deep").symlink_to(tmp_path / "Deep")
    show_as_written(monkeypatch, "a.txt", "deep")
    return tmp_path


def test_a_name_that_stands_there_as_it_is_is_no_other(folder: Path) -> None:
    assert other_spelling(folder, folder / "Deep" / "A.txt") is None


@pytest.mark.parametrize(
    ("asked", "there"), [("Deep/a.txt", "Deep/A.txt"), ("deep/A.txt", "Deep"), ("deep/b", "Deep")]
)
def test_another_name_for_what_stands_there_is_told(folder: Path, asked: str, there: str) -> None:
    assert other_spelling(folder, folder / asked) == folder / there


def test_where_nothing_stands_there_is_no_other(folder: Path) -> None:
    assert other_spelling(folder, folder / "Deep" / "b.txt") is None
    assert other_spelling(folder, folder / "none" / "A.txt") is None
    assert other_spelling(folder / "none", folder / "none" / "A.txt") is None
