"""A listing that is the run's: kept by its first attempt, read by all others."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from batchprocess.data.listing.object_list import OBJECTS, read_part
from batchprocess.ledger.head import durable_head
from batchprocess.ledger.inputs.listing import keep_listing, read_listing, require_same_since
from batchprocess.ledger.run import read_run
from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import ShardSealed, VerificationError
from batchprocess.protocol.inputs.listing import (
    InputListing,
    ListedPart,
    listed_part_key,
    run_name,
)
from batchprocess.protocol.records import Seal
from batchprocess.runs.download import chunks
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.runs.probe import probe
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage
from batchprocess.storage.inputs.base import InputObject


class RunOfInput(BaseModel):
    """The run whose input is asked for, and which shard of it asks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    s3: S3Settings = S3Settings()
    shard: int
    shards: int = 1
    deadline_seconds: float


class InputOfRun:
    """What a run has of its input. Nothing here is asked of a run whose shard is sealed."""

    def __init__(self, run: RunOfInput, nonce: Callable[[], str]) -> None:
        self._run, self._nonce = run, nonce
        self.me, self.share = nonce(), run.shard / run.shards
        """A name of this attempt, and at which part of the input its rows are about."""
        self.shards = run.shards
        self.is_kept = False
        """Whether the listing is the run's: only then may others read what is made of it."""

    @cached_property
    def storage(self) -> Storage:
        return open_storage(self._run.uri, self._run.s3)

    def patience(self) -> Patience:
        """Before the run has begun nothing is lost by giving up on a refusal."""
        return Patience(self._run.deadline_seconds, refusal_is_final=not self.has_begun)

    @cached_property
    def has_begun(self) -> bool:
        """Whether run.json stands; as it was when this was asked first."""
        first = Patience(self._run.deadline_seconds, refusal_is_final=True)
        return perform(read_run(), self.storage, first) is not None

    def begin(self) -> None:
        """Probe the store, unless an attempt has done that before run.json was written.

        Raises UnsafeStorage, StorageDenied, and ShardSealed where there is nothing left to read.
        """
        if not self.has_begun:
            probe(self.storage, self._nonce, self.patience())
            return
        flow = durable_head(self._run.shard)
        head = perform(flow, self.storage, self.patience())
        if head is not None and isinstance(head.record, Seal) and head.record.outcome == "complete":
            raise ShardSealed(f"shard {self._run.shard} is complete")

    def listed(
        self,
        source: str,
        folder: Path,
        list_anew: Callable[[], InputListing],
        since: str | None = None,
        *,
        taken: bool = False,
    ) -> InputListing:
        """The run's listing, in `folder`; `list_anew` makes one there if the run has none yet.

        since: address of the run whose objects are left out. Raises RunMismatch if the run's
        listing is what is new since another, unless it is `taken` from a run.

        A run that has begun without one (by another source, or before runs kept them) gets none:
        the fingerprint in its run.json says whether what is there now is the same.
        """
        patience = self.patience()
        stored = perform(read_listing(source), self.storage, patience)
        if stored is None:
            mine = list_anew()
            if mine.since is not None:
                mine = mine.model_copy(update={"since": run_name(mine.since, self._run.uri)})
            if self.has_begun:
                return mine
            self.is_kept = True
            flow = keep_listing(source, mine, lambda number: read_part(folder, mine, number))
            stored = perform(flow, self.storage, patience)
            if stored == mine:
                return mine
        if not taken:
            require_same_since(since, stored, self._run.uri)
        self.is_kept = True
        self._download(source, stored, folder / OBJECTS, patience)
        return stored

    def _download(self, source: str, listing: InputListing, path: Path, patience: Patience) -> None:
        with path.open("wb") as file:
            for part in listing.parts:
                file.writelines(part_chunks(self.storage, source, part, patience))


def listed_objects(
    storage: Storage, source: str, listing: InputListing, patience: Patience
) -> Iterator[tuple[int, InputObject]]:
    """The objects of a run's listing, each with its root's number; a part at a time in memory."""
    for part in listing.parts:
        content = b"".join(part_chunks(storage, source, part, patience))
        for line in content.splitlines():
            root, key, size, etag = json.loads(line)
            yield root, InputObject(key, size, etag)


def part_chunks(
    storage: Storage, source: str, part: ListedPart, patience: Patience
) -> Iterator[bytes]:
    """A part of a listing; VerificationError behind the last chunk if its bytes are others."""
    key, digest, size = listed_part_key(source, part.sha256), hashlib.sha256(), 0
    try:
        for chunk in chunks(storage, key, patience):
            digest.update(chunk)
            size += len(chunk)
            yield chunk
    except FileNotFoundError as error:
        raise VerificationError(f"{storage.uri}/{key} is missing") from error
    if (size, digest.hexdigest()) != (part.size, part.sha256):
        raise VerificationError(
            f"{storage.uri}/{key} was changed: its bytes are not those of its name"
        )
