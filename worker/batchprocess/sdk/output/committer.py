"""Commits in the background: one at most in flight while the next interval computes."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from batchprocess.ledger.attempt import Position, commit, require_owner, seal
from batchprocess.ledger.draft import Draft
from batchprocess.ledger.effects import Flow
from batchprocess.ledger.identity import Identity
from batchprocess.protocol.bad_rows.limit import BadRowLimit
from batchprocess.protocol.control import Committed
from batchprocess.protocol.errors import StorageError
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.sdk.output.agreed_schemas import AgreedSchemas
from batchprocess.sdk.output.commit_contents import CommitContents
from batchprocess.sdk.output.folder_sync import FolderSync
from batchprocess.storage.base import Storage

_LOG = logging.getLogger("batchprocess")


class Committer:
    """Owns the attempt's position in the ledger from its claim on.

    `on_committed` is called with every durable record. A failure surfaces at the next `check`,
    `wait`, `commit` or `seal`, and nothing is written after it.
    """

    def __init__(  # noqa: PLR0913, PLR0917  made in one place
        self,
        me: Identity,
        position: Position,
        storage: Storage,
        patience: Patience,
        on_committed: Callable[[Committed], None],
        bad_rows_allowed: BadRowLimit,
        schemas: AgreedSchemas,
    ) -> None:
        self._me, self._position = me, position
        self._storage, self._patience, self._on_committed = storage, patience, on_committed
        self._bad_rows_allowed, self._schemas = bad_rows_allowed, schemas
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batchprocess-commit")
        self._in_flight: Future[None] | None = None

    def check(self) -> None:
        """Raise what the commit in flight failed with, if it has failed already."""
        if self._in_flight is not None and self._in_flight.done():
            self._in_flight.result()

    def wait(self) -> None:
        """Until no commit is in flight; raises what it failed with."""
        if self._in_flight is not None:
            self._in_flight.result()

    @property
    def busy(self) -> bool:
        """Whether a commit is in flight."""
        return self._in_flight is not None and not self._in_flight.done()

    def await_after_failure(self, failed: BaseException) -> None:
        """As `wait`, for whoever has `failed` already: a second failure is only logged."""
        error = None if self._in_flight is None else self._in_flight.exception()
        if error is not None and error is not failed:
            _LOG.warning("the commit under way failed: %s", error)

    def commit(self, contents: CommitContents, tensorboard: FolderSync | None) -> None:
        """Start making `contents` durable; first waits for the commit before: one is in flight."""
        self.wait()
        self._in_flight = self._pool.submit(self._commit, contents, tensorboard)

    def seal(self, contents: CommitContents, batches: int, tensorboard: FolderSync | None) -> None:
        """End the shard; returns once the seal is durable."""
        self.wait()
        self._sync(tensorboard)
        flow = seal(self._me, self._position, self._draft(contents), batches=batches)
        self._append(contents, flow, sealed=True)
        self._pool.shutdown()

    def _commit(self, contents: CommitContents, tensorboard: FolderSync | None) -> None:
        self._sync(tensorboard)
        flow = commit(self._me, self._position, self._draft(contents))
        self._append(contents, flow, sealed=False)

    def _draft(self, contents: CommitContents) -> Draft:
        # Schemas first: a file may have to wait for the run's, for what it has no value of.
        owned = partial(require_owner, self._me, self._position)
        return contents.draft(self._schemas.settle(contents, owned))

    def _append(self, contents: CommitContents, flow: Flow[Position], *, sealed: bool) -> None:
        self._position = perform(flow, self._storage, self._patience)
        # Only now: a lost process must find the files, or no record that names them.
        contents.discard()
        self._on_committed(
            Committed(
                shard=self._me.shard,
                seq=self._position.seq,
                cursor=self._position.cursor,
                sealed=sealed,
                bad_rows=self._position.bad_rows,
            )
        )
        if contents.bad_rows:
            # Of committed rows only: what an attempt has seen and lost would be counted twice.
            shard = f"shard {self._me.shard} alone"
            self._bad_rows_allowed.require(self._position.bad_rows, shard)

    def _sync(self, tensorboard: FolderSync | None) -> None:
        if tensorboard is None:
            return
        try:
            tensorboard.sync(self._storage)
        except (StorageError, OSError) as error:
            # Traces are for people; outputs must not wait for them, nor for a writer that has just
            # removed one.
            _LOG.warning("tensorboard files were not copied: %s", error)
