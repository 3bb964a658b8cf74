"""Places that rows are read from: a folder, and a bucket on a real S3 server."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchprocess.data.index.build import build_index
from batchprocess.data.index.wanted import Wanted
from batchprocess.data.listing.in_run import InputOfRun, RunOfInput
from batchprocess.data.rows import opened
from batchprocess.runs.patience import ATTENDED
from batchprocess.storage.base import Storage
from support.storage.s3_stores import gateway, job_folder

__all__ = ["gateway", "job_folder"]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> None:
    """Indexes are built here: a process of its own, as it is otherwise, takes a second."""

    def built(wanted: Wanted, run: RunOfInput | None = None, tell: Any = None) -> Path:
        folder: Path = tmp_path_factory.mktemp("index")
        of_run = None if run is None else InputOfRun(run, lambda: secrets.token_hex(16))
        if of_run is not None:
            of_run.begin()
        build_index(wanted, folder, ATTENDED, of_run)
        return folder

    monkeypatch.setattr(opened, "indexed", built)


@dataclass(frozen=True)
class Input:
    """A folder of files, or of objects."""

    storage: Storage

    @property
    def uri(self) -> str:
        return self.storage.uri

    def write(self, key: str, content: bytes) -> None:
        self.storage.put(key, content)

    def remove(self, key: str) -> None:
        self.storage.delete(key)


@pytest.fixture
def place(job_folder: Storage) -> Input:
    return Input(job_folder)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """A folder with files of these names, each of which holds a line with its name."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name}\n")
        return tmp_path / "in"

    return make
