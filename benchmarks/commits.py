"""Commits a second from several workers on one S3 server (or folder), ledger code only.

`python benchmarks/commits.py s3://bucket/prefix` with the usual AWS_* variables, or a path. Each
worker is a process with its own shard; each commit uploads one file of 4 KiB and creates a record.
Target: at least 150 a second from 8 workers on a versitygw on the same machine.
"""

import argparse
import hashlib
import multiprocessing
import secrets
import time
from datetime import UTC, datetime

from batchprocess.ledger.attempt import claim, commit
from batchprocess.ledger.draft import Draft
from batchprocess.ledger.effects import Staged
from batchprocess.ledger.identity import Identity
from batchprocess.protocol.environment import S3Settings
from batchprocess.runs.perform import perform
from batchprocess.storage.factory import open_storage

BODY = b"x" * 4096
STAGED = Staged(BODY, len(BODY), hashlib.sha256(BODY).hexdigest())


def worker(uri: str, s3: S3Settings, shard: int, commits: int, ready, go) -> None:  # type: ignore[no-untyped-def]
    """Claim one shard, then commit one batch at a time."""
    storage = open_storage(uri, s3)
    me = Identity(
        shard=shard,
        job="20260101T000000Z-bench",
        attempt=secrets.token_hex(16),
        nonce=lambda: secrets.token_hex(16),
        now=lambda: datetime.now(UTC).isoformat(),
    )
    at = perform(claim(me, max_without_progress=None), storage).position
    ready.release()
    go.wait()
    for number in range(commits):
        draft = Draft((number, number + 1), (number, number + 1), files=(("rows.bin", STAGED),))
        at = perform(commit(me, at, draft), storage)


def main() -> None:
    """Start the workers, let them go together, print the rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    parser.add_argument("--endpoint")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--commits", type=int, default=200, help="per worker")
    options = parser.parse_args()
    uri = f"{options.uri.rstrip('/')}/commits-{secrets.token_hex(4)}"
    s3 = S3Settings(endpoint=options.endpoint)
    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    arguments = [(uri, s3, shard, options.commits, ready, go) for shard in range(options.workers)]
    workers = [context.Process(target=worker, args=one) for one in arguments]
    for one in workers:
        one.start()
    for _ in workers:
        ready.acquire()
    began = time.perf_counter()
    go.set()
    for one in workers:
        one.join()
    seconds = time.perf_counter() - began
    if any(one.exitcode for one in workers):
        raise SystemExit("a worker failed; see above")
    total = options.workers * options.commits
    print(
        f"{total} commits by {options.workers} workers in {seconds:.1f} s: {total / seconds:.0f}/s"
    )


if __name__ == "__main__":
    main()
