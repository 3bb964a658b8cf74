"""A fake of folders that find a file by several names: of them only one is listed."""

from collections.abc import Iterator
from pathlib import Path

import pytest


def show_as_written(monkeypatch: pytest.MonkeyPatch, *hidden: str) -> None:
    """Leave these names out wherever a folder is listed; they are found all the same."""
    listed = Path.iterdir

    def as_written(folder: Path) -> Iterator[Path]:
        return (path for path in listed(folder) if path.name not in hidden)

    monkeypatch.setattr(Path, "iterdir", as_written)
