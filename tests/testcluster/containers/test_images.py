"""What a cluster takes long to make is made ahead, and only what is not there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from testcluster.containers import buildah, debian, images


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made; nothing is there at first, and making it is only noted."""
    made: list[str] = []

    def noting(name: str) -> Callable[[], Path]:
        def note() -> Path:
            made.append(name)
            return tmp_path / name

        return note

    monkeypatch.setattr(debian, "KEPT", tmp_path / "debian.layer")
    monkeypatch.setattr(buildah, "CACHE", tmp_path)
    monkeypatch.setattr(images, "base_layer", noting("debian"))
    monkeypatch.setattr(images, "operator", noting("operator"))
    return made


def test_what_is_missing_is_made_and_told(made: list[str]) -> None:
    said: list[str] = []
    images.prepare(said.append)

    assert made == ["debian", "operator"]
    assert [line for line in said if "takes about" in line] == [
        "Debian, which images are built on: takes about 1 minute",
        "The operator's image: takes about 1 minute",
    ]


def test_what_is_there_is_neither_made_nor_told(made: list[str], tmp_path: Path) -> None:
    debian.KEPT.touch()
    (tmp_path / _operator_archive()).touch()
    said: list[str] = []
    images.prepare(said.append)

    assert (made, said) == ([], [])


def test_another_source_is_another_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buildah, "ROOT", tmp_path)
    (tmp_path / "source").write_text("one")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    build = buildah.Build("Dockerfile", "localhost/it:test", {}, ("source",))
    before = build.kept()
    assert build.kept() == before

    (tmp_path / "source").write_text("two")

    assert build.kept() != before
    assert build.kept().name.startswith("it-")


def _operator_archive() -> str:
    return images._operator(debian.BASE.name).kept().name
