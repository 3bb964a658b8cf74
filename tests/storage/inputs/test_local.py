"""Files of a folder as input: those that anybody would mean, as they were listed."""

import os
from pathlib import Path

import pytest

from batchprocess.protocol.errors import (
    InputChanged,
    InvalidArgument,
    OutcomeUnknown,
    StorageDenied,
)
from batchprocess.storage.inputs.base import InputObject
from batchprocess.storage.inputs.local import _MAX_TOLD, LocalInputs


def keys(folder: Path, prefix: str = "") -> list[str]:
    return sorted(one.key for one in LocalInputs(folder).list(prefix))


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_files_are_listed_below_the_folder_that_the_prefix_names(tmp_path: Path) -> None:
    write(tmp_path, "a/x1", "a/b/y", "ab/z", "c")
    assert keys(tmp_path) == ["a/b/y", "a/x1", "ab/z", "c"]
    assert keys(tmp_path, "a/x") == ["a/x1"]
    assert keys(tmp_path, "a") == ["a/b/y", "a/x1", "ab/z"]
    assert keys(tmp_path, "nowhere/x") == []


def test_links_to_files_count_and_what_is_no_file_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "..data/in.txt", "real/file")
    (tmp_path / "in.txt").symlink_to("..data/in.txt")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "broken").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "_hidden").symlink_to("real")
    assert keys(tmp_path) == ["in.txt", "real/file"]
    end = "name it as a source of its own, if it is wanted"
    assert caplog.messages == [
        f"input {tmp_path}/folder is behind a link, and not entered: {end}",
        f"input {tmp_path}/broken is a link to what is no file: {end}",
    ]
    caplog.clear()
    assert keys(tmp_path, "real/") == ["real/file"]
    assert caplog.messages == []


def test_of_many_links_some_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "real/file")
    for number in range(_MAX_TOLD + 5):
        (tmp_path / f"link-{number}").symlink_to("real")
    assert keys(tmp_path) == ["real/file"]
    assert len(caplog.messages) == _MAX_TOLD


def test_a_file_is_what_it_was_or_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    place = LocalInputs(tmp_path)
    known = place.find("a")
    assert known == InputObject("a", 10)
    assert place.read(known, 3, 6) == b"345"
    assert place.read(known, 10, 10) == b""
    (tmp_path / "a").write_bytes(b"0123456789+")
    with pytest.raises(InputChanged, match=r"a has 11 bytes, and had 10 when it was listed"):
        place.read(known, 0, 1)
    (tmp_path / "a").unlink()
    with pytest.raises(InputChanged, match="a is gone"):
        place.read(known, 0, 1)
    assert place.find("a") is None
    assert place.find("a/b") is None


def test_a_name_that_no_record_could_hold_is_refused(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff")).touch()
    with pytest.raises(InvalidArgument, match=r"bad\\xff' is not UTF-8: rename it"):
        keys(tmp_path)


@pytest.mark.parametrize(
    ("raised", "kind", "sentence"),
    [
        (PermissionError(13, "denied"), StorageDenied, "give this user .* the right to read it"),
        (OSError(5, "Input/output error"), OutcomeUnknown, "cannot be read: Input/output error"),
    ],
)
def test_what_cannot_be_read_is_no_empty_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: OSError,
    kind: type[Exception],
    sentence: str,
) -> None:
    write(tmp_path, "a/x")

    def fails(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(os, "scandir", fails)
    with pytest.raises(kind, match=sentence):
        keys(tmp_path)
    monkeypatch.setattr(os, "open", fails)
    with pytest.raises(kind, match=sentence):
        LocalInputs(tmp_path).read(InputObject("a/x", 3), 0, 1)
