"""Run folders as workers leave them: many shards, or ledgers that name a million files."""

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from batchprocess.ledger.attempt import claim, commit, seal
from batchprocess.ledger.draft import Draft
from batchprocess.ledger.effects import Staged
from batchprocess.protocol.records import (
    Claim,
    Commit,
    CommittedFile,
    Seal,
    data_prefix,
    digest,
    encode,
    record_key,
)
from batchprocess.protocol.run import RUN_KEY, RunInfo
from batchprocess.runs.finish import identity
from batchprocess.runs.perform import perform
from batchprocess.storage.base import StoredObject
from batchprocess.storage.local import LocalStorage

JOB = "20260101T000000Z-bench"
AT = "2026-01-01T00:00:00+00:00"
BYTES = 4_096


def begin(root: Path, shards: int, batches: int) -> None:
    """run.json of shards that have so many batches of one row each."""
    rows = shards * batches
    run = RunInfo(rows=rows, batch_size=1, batches=rows, shards=shards, processor="Bench")
    root.mkdir(parents=True)
    (root / RUN_KEY).write_text(run.model_dump_json())


def work(root: Path, shard: int, files: int) -> None:
    """What an attempt does: a claim, a file of 4 KiB in each commit, a seal."""
    storage, me = LocalStorage(root), identity(JOB, shard)
    at = perform(claim(me, max_without_progress=None), storage).position
    first = shard * files
    for number in range(files):
        body = secrets.token_bytes(BYTES)
        staged = Staged(body, BYTES, hashlib.sha256(body).hexdigest())
        rows = (first + number, first + number + 1)
        draft = Draft((number, number + 1), rows, (("rows.bin", staged),))
        at = perform(commit(me, at, draft), storage)
    end = first + files
    perform(seal(me, at, Draft((files, files), (end, end)), batches=files), storage)


class UnwrittenFiles(LocalStorage):
    """A run whose ledgers are real, and whose files are listed but were never written."""

    def __init__(self, root: Path, commits: int, files: int) -> None:
        super().__init__(root)
        self._commits, self._files = commits, files

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Of `data/` what the records name, of the rest what is there."""
        if not prefix.startswith("data/"):
            yield from super().list(prefix)
            return
        shard = int(prefix.split("/")[1])
        for seq in range(2, self._commits + 2):
            for item in _files(shard, seq, self._files):
                yield StoredObject(item.key, item.size)


def write_ledger(root: Path, shard: int, commits: int, files: int) -> None:
    """The ledger of a shard with `commits` times `files` files, without any fsync."""
    batch, prev = shard * commits, None
    (root / record_key(shard, 1)).parent.mkdir(parents=True)
    for seq in range(1, commits + 3):
        cursor = min(seq - 1, commits)
        common = {"shard": shard, "seq": seq, "prev": prev, "nonce": _nonce(shard, seq)}
        common |= {"attempt": "a", "job": JOB, "at": AT, "cursor": cursor}
        span = {"batches": (max(cursor - 1, 0), cursor), "rows": (batch + seq - 2, batch + seq - 1)}
        if seq == 1:
            body = encode(Claim(**common))
        elif seq <= commits + 1:
            body = encode(Commit(**common, **span, files=tuple(_files(shard, seq, files))))
        else:
            end = {"batches": (cursor, cursor), "rows": (batch + commits, batch + commits)}
            body = encode(Seal(**common, **end, outcome="complete"))
        (root / record_key(shard, seq)).write_bytes(body)
        prev = digest(body)


def _files(shard: int, seq: int, files: int) -> Iterator[CommittedFile]:
    prefix = data_prefix(shard, seq, _nonce(shard, seq))
    for number in range(files):
        name = f"predictions-{number:05d}.parquet"
        sha256 = digest(f"{prefix}{name}".encode())
        yield CommittedFile(name=name, key=prefix + name, size=BYTES, sha256=sha256)


def _nonce(shard: int, seq: int) -> str:
    return digest(f"{shard} {seq}".encode())[:32]
