"""Commits in the background: one at most in flight while the next interval computes."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from batchprocess.ledger.attempt import Identity, Position, commit, seal
from batchprocess.ledger.effects import Flow
from batchprocess.protocol.control import Committed
from batchprocess.protocol.errors import StorageError
from batchprocess.runs.perform import Patience, perform, settle
from batchprocess.sdk.output.pending import Boundary
from batchprocess.storage.base import Storage

_LOG = logging.getLogger("batchprocess")


class Committer:
    """Owns the attempt's position in the ledger from its claim on.

    `said` is called with every durable record. A failure surfaces at the next `check`, `wait`,
    `commit` or `seal`, and nothing is written after it.
    """

    def __init__(
        self,
        me: Identity,
        position: Position,
        storage: Storage,
        patience: Patience,
        said: Callable[[Committed], None],
    ) -> None:
        self._me, self._position = me, position
        self._storage, self._patience, self._said = storage, patience, said
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batchprocess-commit")
        self._flying: Future[None] | None = None

    def check(self) -> None:
        """Raise what the commit in flight failed with, if it has failed already."""
        if self._flying is not None and self._flying.done():
            self._flying.result()

    def wait(self) -> None:
        """Until no commit is in flight; raises what it failed with."""
        if self._flying is not None:
            self._flying.result()

    def settle(self, failed: BaseException) -> None:
        """As `wait`, for whoever has `failed` already: a second failure is only logged."""
        error = None if self._flying is None else self._flying.exception()
        if error is not None and error is not failed:
            _LOG.warning("the commit under way failed: %s", error)

    def commit(self, boundary: Boundary, tensorboard: "Folder | None") -> None:
        """Start making `boundary` durable; waits for the one before, so that one flies at most."""
        self.wait()
        self._flying = self._pool.submit(self._commit, boundary, tensorboard)

    def seal(self, boundary: Boundary, batches: int, tensorboard: "Folder | None") -> None:
        """End the shard; returns once the seal is durable."""
        self.wait()
        self._sync(tensorboard)
        flow = seal(self._me, self._position, boundary.draft(), batches=batches)
        self._append(boundary, flow, sealed=True)
        self._pool.shutdown()

    def _commit(self, boundary: Boundary, tensorboard: "Folder | None") -> None:
        self._sync(tensorboard)
        flow = commit(self._me, self._position, boundary.draft())
        self._append(boundary, flow, sealed=False)

    def _append(self, boundary: Boundary, flow: Flow[Position], *, sealed: bool) -> None:
        self._position = perform(flow, self._storage, self._patience)
        # Only now: a lost process must find the files, or no record that names them.
        boundary.discard()
        self._said(
            Committed(
                shard=self._me.shard,
                seq=self._position.seq,
                cursor=self._position.cursor,
                sealed=sealed,
            )
        )

    def _sync(self, tensorboard: "Folder | None") -> None:
        if tensorboard is None:
            return
        try:
            tensorboard.sync(self._storage)
        except (StorageError, OSError) as error:
            # Traces are for people; outputs must not wait for them, nor for a writer that has just
            # removed one.
            _LOG.warning("tensorboard files were not copied: %s", error)


class Folder:
    """A local folder that is copied to storage; unchanged files are not sent again."""

    def __init__(self, path: Path, prefix: str) -> None:
        self._path, self._prefix = path, prefix
        self._sent: dict[Path, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def sync(self, storage: Storage) -> None:
        """Copy what is new or has changed."""
        with self._lock:
            for path in sorted(self._path.rglob("*")):
                if path.is_file():
                    self._send(storage, path)

    def _send(self, storage: Storage, path: Path) -> None:
        status = path.stat()
        version = (status.st_size, status.st_mtime_ns)
        if self._sent.get(path) != version:
            key = f"{self._prefix}/{path.relative_to(self._path).as_posix()}"
            settle(lambda: storage.upload(key, path), Patience(10))
            self._sent[path] = version
