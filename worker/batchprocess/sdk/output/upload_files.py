"""Files between `upload_path()` and their upload: checked by name, moved away, then described."""

import contextlib
import hashlib
import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from batchprocess.ledger.effects import Staged
from batchprocess.protocol.file_names import check_name
from batchprocess.protocol.records import MAX_RECORD_BYTES, CommittedFile, data_prefix

_MAX_BYTES_OF_FILES = MAX_RECORD_BYTES - (64 << 10)
"""Of their names in a record, which has more to hold."""


class Staging:
    """Collects the files of one attempt's commits. User code may use it from several threads.

    `saved`: where files of `context.save` may grow, beside those of `upload_path()`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="batchprocess-", dir=folder))
        self.saved = self._root / "saved"
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._open = 0
        self.blocks = 0
        self._names: dict[str, Path] = {}
        self._record_bytes = 0
        self._folders: set[str] = set()

    @contextlib.contextmanager
    def block(self, kept: Callable[[Path], None] | None = None) -> Iterator[Path]:
        """A fresh directory; its files belong to the next commit unless the block raises.

        With `kept` that is given the folder with the files, and no commit waits for the block; the
        files are for the next one after `adopt`.
        """
        folder = self._root / f"block-{next(self._numbers)}"
        folder.mkdir()
        counted = kept is None
        with self._lock:
            self._open += counted
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            with self._lock:
                self._open -= counted
            raise
        # Moved away at once: the user may use the path again, and nobody may change its files.
        moved = self._root / f"kept-{next(self._numbers)}"
        with self._lock:
            self._open -= counted
            folder.rename(moved)
            if kept is None:
                self._add(moved)
                self.blocks += 1
        if kept is not None:
            for name, _ in _files(moved):
                check_name(name)
            kept(moved)

    def adopt(self, folders: Sequence[Path]) -> None:
        """The files of blocks that were kept are for the next commit: all of them, or none."""
        with self._lock:
            before = dict(self._names), self._record_bytes, set(self._folders)
            try:
                for folder in folders:
                    self._add(folder)
            except BaseException:
                self._names, self._record_bytes, self._folders = before
                raise
            self.blocks += len(folders)

    def give_up(self, folders: Sequence[Path]) -> None:
        """They are not, after all."""
        with self._lock:
            gone = {name for name, path in self._names.items() if _is_below(path, folders)}
            for name in gone:
                self._record_bytes -= _bytes_in_record(name)
                del self._names[name]
            self._folders = {
                str(one) for name in self._names for one in PurePosixPath(name).parents
            }
            self.blocks -= len(folders)

    def cut_files(self) -> dict[str, Path]:
        """The files collected since the last cut, by name; a new interval begins."""
        with self._lock:
            if self._open:
                raise RuntimeError(
                    "an upload_path() block is still open at a checkpoint: leave it before "
                    "on_checkpoint_start or on_finish returns"
                )
            names, self._names, self._record_bytes = self._names, {}, 0
            self._folders.clear()
        return names

    def remove_all(self) -> None:
        """Remove everything."""
        shutil.rmtree(self._root, ignore_errors=True)

    def _add(self, folder: Path) -> None:
        found = dict(_files(folder))
        if not found:
            shutil.rmtree(folder)
        for name in found:
            check_name(name)
            if name in self._names:
                raise ValueError(
                    f"file {name!r} was written twice between two checkpoints: put batch_idx in "
                    "its name, or write it once in on_checkpoint_start"
                )
            self._check_tree(name)
        size = self._record_bytes + sum(map(_bytes_in_record, found))
        if size > _MAX_BYTES_OF_FILES:
            fit = _MAX_BYTES_OF_FILES // max(map(_bytes_in_record, found))
            raise ValueError(
                f"{len(self._names) + len(found)} files were written since the last checkpoint, "
                f"and {fit} with names as long as these fit into a commit: write larger files, or "
                "set a smaller checkpoint_interval"
            )
        self._names |= found
        self._record_bytes = size

    def _check_tree(self, name: str) -> None:
        """What is a file in one block and a folder in another fits into no file system."""
        above = {str(parent) for parent in PurePosixPath(name).parents}
        for file in (above & self._names.keys()) | ({name} & self._folders):
            raise ValueError(
                f"{file!r} was written as a file and as a folder between two checkpoints: "
                "rename one"
            )
        self._folders |= above


def _is_below(path: Path, folders: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _bytes_in_record(name: str) -> int:
    """At most: the name stands there twice."""
    key = data_prefix(99_999, 99_999_999, "f" * 32) + name
    longest = CommittedFile(name=name, key=key, size=2**63, sha256="f" * 64)
    return len(longest.model_dump_json().encode()) + 1


def describe(path: Path) -> Staged:
    """Size and sha256 of a file that nobody changes any more."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        # What was hashed: somebody may write to the file all the same.
        return Staged(path, file.tell(), digest)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(_entries(folder)):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ValueError(f"{name!r} in upload_path() is no regular file: copy its content")
        if path.is_file():
            yield name, path


def _entries(folder: Path) -> Iterator[Path]:
    """Files and folders below; `rglob` would leave out what is in a folder that it cannot read."""
    for where, folders, names in os.walk(folder, onerror=_raise):
        yield from (Path(where, name) for name in (*folders, *names))


def _raise(error: OSError) -> None:
    raise error
