"""What stood in a folder, told by one digest: of a ConfigMap's volume as the kubelet makes it."""

import shutil
from pathlib import Path

import pytest

from batchprocess import files_digest as module
from batchprocess.files_digest import MAX_BYTES, MAX_FILES, folder_digest
from support.config_map_volume import Volume


def test_the_same_files_have_one_digest_as_a_folder_and_as_a_volume(tmp_path: Path) -> None:
    volume, plain = Volume(tmp_path / "volume"), tmp_path / "plain"
    volume.write(a="1", b="22")
    plain.mkdir()
    (plain / "b.py").write_text("22")
    (plain / "a.py").write_text("1")
    first = folder_digest(volume.folder)
    assert first is not None
    assert first == folder_digest(plain)
    shutil.rmtree(volume.write(a="1", b="22"))
    assert folder_digest(volume.folder) == first


@pytest.mark.parametrize("other", [{"a": "2"}, {"b": "1"}, {"a": "1", "b": ""}, {}])
def test_another_name_or_content_is_another_digest(tmp_path: Path, other: dict[str, str]) -> None:
    volume = Volume(tmp_path / "volume")
    volume.write(a="1")
    first = folder_digest(volume.folder)
    shutil.rmtree(volume.write(**other))
    assert folder_digest(volume.folder) != first


def test_a_volume_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old folder goes file by file: what is left of it for a moment is nobody's code."""
    volume = Volume(tmp_path / "volume")
    volume.write(a="1", b="1")
    old, usual = [], module.files_digest

    def replaced(files, folder):
        if not old:
            old.append(volume.write(a="2", b="2"))
            (old[0] / "a.py").unlink()
        return usual(files, folder)

    monkeypatch.setattr(module, "files_digest", replaced)
    found = folder_digest(volume.folder)
    monkeypatch.undo()
    assert old
    assert found == folder_digest(volume.folder)


def test_a_volume_that_is_another_at_every_look_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = Volume(tmp_path / "volume")
    volume.write(a="1")

    def replaced(files, folder):
        volume.write(a=str(volume.number))
        return "x"

    monkeypatch.setattr(module, "files_digest", replaced)
    assert folder_digest(volume.folder) is None


def test_too_much_nothing_and_what_is_not_there_have_none(tmp_path: Path) -> None:
    assert folder_digest(tmp_path) is None
    assert folder_digest(tmp_path / "nowhere") is None
    for number in range(MAX_FILES):
        (tmp_path / f"{number}").touch()
    assert folder_digest(tmp_path) is not None
    (tmp_path / "one more").touch()
    assert folder_digest(tmp_path) is None
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "file").write_bytes(b"x" * MAX_BYTES)
    assert folder_digest(tmp_path / "large") is not None
    (tmp_path / "large" / "other").write_bytes(b"x")
    assert folder_digest(tmp_path / "large") is None
