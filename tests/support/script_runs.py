"""Runs of `torch_batch_process` in this process, and of scripts in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchprocess import results, torch_batch_process
from batchprocess.sdk import entry
from support.zygote.processes import forked


@dataclass
class Alone:
    """A job folder, and runs on it as a script alone would make them, one after another."""

    folder: Path
    renew: Callable[[], None]

    def run(self, processor: type, dataset: Any, **options: Any) -> None:
        """One process's life: its only call of `torch_batch_process`."""
        self.renew()
        options = {"batch_size": 4, "checkpoint_interval": 2} | options
        torch_batch_process(processor, dataset, **options)

    @property
    def run_folder(self) -> Path:
        (job,) = (path for path in self.folder.iterdir() if path.is_dir())
        return job / (job / "latest").read_text().strip()

    def lines(self) -> list[str]:
        """Lines of all committed files, in dataset order."""
        text = b"".join(one.read() for one in results(str(self.run_folder))).decode()
        return text.splitlines()

    def summary(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.run_folder / "summary.json").read_text())
        return read


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Alone]:
    for name in ("RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BATCHPROCESS_OUTPUT", str(tmp_path / "out"))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # A new process each time: once per process is what `torch_batch_process` allows.
    yield Alone(tmp_path / "out", lambda: monkeypatch.setattr(entry, "_called", threading.Event()))
    for number, handler in handlers.items():
        signal.signal(number, handler)


@dataclass(frozen=True)
class Script:
    """A folder with a user's files, and commands run in it."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def job(self, **spec: Any) -> None:
        """A job file; JSON is YAML."""
        job = {
            "apiVersion": "batchprocess.dev/v1alpha1",
            "kind": "BatchProcessJob",
            "metadata": {"name": "job"},
            "spec": spec,
        }
        self.write("job.yaml", json.dumps(job))

    def python(self, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        with forked():
            return self._run([sys.executable, *arguments], env)

    def batchprocess(self, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        with forked():
            return self._run([str(Path(sys.executable).parent / "batchprocess"), *arguments], env)

    def new_interpreter(self, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """A process that imports everything itself, and so does what it starts."""
        return self._run([sys.executable, *arguments], env)

    def _run(
        self, command: list[str], env: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)
